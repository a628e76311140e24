import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Cloudflare } from "../../../app_template/.github/overskill/cloudflare.mjs";
import { ownMetadata, prepared, uploaded } from "../../../app_template/.github/overskill/deploy.mjs";
import { untilLive } from "../../../app_template/.github/overskill/live.mjs";
import { APP, folder, RUN, serving } from "./setting.mjs";

/** A folder as a build leaves it. */
function built(config = { main: "index.js", assets: { directory: "../client" } }) {
  const root = folder();
  for (const path of [".wrangler/deploy", "dist/app"]) mkdirSync(join(root, path), { recursive: true });
  writeFileSync(
    join(root, ".wrangler/deploy/config.json"),
    JSON.stringify({ configPath: "../../dist/app/wrangler.json" }),
  );
  writeFileSync(join(root, "dist/app/wrangler.json"), JSON.stringify(config));
  return root;
}

test("the build is given its script's name and says its commit", () => {
  const root = built();
  const config = JSON.parse(readFileSync(prepared(RUN, root, { tags: ["app-abc123"] }), "utf8"));
  assert.deepEqual([config.name, config.unsafe], ["abc123", { metadata: { tags: ["app-abc123"] } }]);
  const version = JSON.parse(readFileSync(join(root, "dist/client/.well-known/overskill.json"), "utf8"));
  assert.deepEqual(version, { app: "abc123", environment: "production", commit: "c0ffee", run: RUN.run.url });
  assert.equal("unsafe" in JSON.parse(readFileSync(prepared(RUN, root), "utf8")), false);
});

test("the data that a deploy finds is the platform's, whatever the code names for development", () => {
  const named = { assets: { directory: "../client" }, d1_databases: [{ binding: "DB", database_id: "other" }] };
  assert.deepEqual(JSON.parse(readFileSync(prepared(RUN, built(named)), "utf8")).d1_databases, []);
});

test("what is no build of a page is refused with the remedy", () => {
  assert.throws(() => prepared(RUN, folder()), /vite.config.ts needs the plugin/);
  assert.throws(() => prepared(RUN, built({ main: "index.js" })), /wrangler.jsonc needs "assets"/);
});

test("with a token of its own a deploy keeps the tags, and a pull request's has those of the preview", async (t) => {
  const api = await serving(t, ({ url }) =>
    url.includes("o-preview") ? [200, { result: ["app-abc123", "plan-pro"] }] : [404, {}],
  );
  const cloudflare = new Cloudflare({ ...APP, cloudflare: api.url }, { CLOUDFLARE_API_TOKEN: "token" });
  const target = { ...RUN.target, environment: "preview", namespace: "o-preview", script: "preview-abc123-pr4" };
  const { tags } = await ownMetadata({ ...RUN, target, pullRequest: 4 }, cloudflare);
  assert.deepEqual(tags, ["app-abc123", "plan-pro", "pull-request-4"]);
  assert.equal(
    api.calls[0].url,
    "/accounts/account-1/workers/dispatch/namespaces/o-preview/scripts/preview-abc123/tags",
  );
  assert.equal(api.calls[0].headers.authorization, "Bearer token");
  assert.deepEqual((await ownMetadata(RUN, cloudflare)).tags, ["app-abc123", "environment-production"]);
});

test("with a broker the run's identity token is the token, for the platform alone", async (t) => {
  const github = await serving(t, () => [200, { value: "identity" }]);
  const env = { ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/?v=2`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "bearer" };
  const app = { ...APP, broker: "https://platform.example/deploy", audience: "overskill-deploy" };
  assert.equal(await new Cloudflare(app, env).token(), "identity");
  assert.equal(github.calls[0].url, "/?v=2&audience=overskill-deploy");
  assert.equal(new Cloudflare(app, env).baseUrl, app.broker);
  await assert.rejects(new Cloudflare(app, {}).token(), /id-token: write/);
  await assert.rejects(new Cloudflare(APP, {}).token(), /CLOUDFLARE_API_TOKEN is missing/);
});

test("a script that is gone already is removed; what the API refuses is told", async (t) => {
  const api = await serving(t, (_, number) => (number === 1 ? [404, {}] : [403, { errors: ["no"] }]));
  const cloudflare = new Cloudflare({ ...APP, cloudflare: api.url }, { CLOUDFLARE_API_TOKEN: "token" });
  await cloudflare.remove(RUN.target);
  await assert.rejects(cloudflare.remove(RUN.target), /403 .*no/);
});

/** A wrangler that prints and ends as the line for its n-th start says. */
function wrangler(...ends) {
  const root = folder();
  const program = join(root, "wrangler");
  const lines = [
    "#!/bin/sh",
    `echo "$CLOUDFLARE_API_TOKEN$OVERSKILL_WEBHOOK_SECRET$GITHUB_TOKEN" >>${root}/starts`,
    `case $(wc -l <${root}/starts) in`,
    ...ends.map((end, number) => `${number + 1}) ${end} ;;`),
    "esac",
  ];
  writeFileSync(program, lines.join("\n"));
  chmodSync(program, 0o755);
  return { program, starts: () => readFileSync(join(root, "starts"), "utf8").trim().split("\n") };
}

const ENV = {
  PATH: process.env.PATH,
  CLOUDFLARE_API_TOKEN: "token",
  OVERSKILL_WEBHOOK_SECRET: "hook",
  GITHUB_TOKEN: "github",
};
const upload = ({ program }) =>
  uploaded(RUN, new Cloudflare(APP, ENV), "wrangler.json", ENV, { program, pauses: [1, 1] });

test("that the API is busy or broken is known by its words too: wrangler prints no status", async () => {
  const busy = "Please wait and consider throttling your request speed [code: 971]";
  const made = wrangler(`echo '${busy}'; exit 1`, "echo 'workers.api.error.unknown [code: 10013]'; exit 1", "exit 0");
  await upload(made);
  assert.equal(made.starts().length, 3);
});

test("an upload is tried again where the API is the reason, and wrangler gets no secret but its token", async () => {
  const made = wrangler("echo '[ERROR] 503'; exit 1", "echo '[ERROR] fetch failed'; exit 1", "exit 0");
  await upload(made);
  assert.deepEqual(made.starts(), ["token", "token", "token"]);
});

test("an upload that is refused is not tried again, and its error is told", async () => {
  const made = wrangler("echo '✘ [ERROR] Uncaught SyntaxError: x'; exit 1");
  await assert.rejects(upload(made), /^Error: Uncaught SyntaxError: x$/);
  assert.equal(made.starts().length, 1);
  await assert.rejects(upload({ program: "/nowhere/wrangler" }), /package.json names no wrangler/);
});

test("live is what serves this commit", async (t) => {
  const edge = await serving(t, (_, number) => [200, { commit: number < 3 ? "before" : "c0ffee" }]);
  await untilLive(`${edge.url}/app/abc123/`, "c0ffee");
  assert.equal(edge.calls.length, 3);
  assert.equal(edge.calls[0].url, "/app/abc123/.well-known/overskill.json?c0ffee");
  await assert.rejects(
    untilLive(edge.url, "other", { seconds: 0.2 }),
    /does not serve other after 0.2 s: it serves c0ffee/,
  );
});

test("what the platform withholds on purpose is deployed all the same", async (t) => {
  const edge = await serving(t, () => [403, { code: "private" }]);
  await untilLive(edge.url, "c0ffee");
  const broken = await serving(t, () => [503, { code: "app-exception" }]);
  await assert.rejects(untilLive(broken.url, "c0ffee", { seconds: 0.1 }), /it answers 503/);
});

test("a name below localhost is this machine, whatever the resolver says", async (t) => {
  const edge = await serving(t, () => [200, { commit: "c0ffee" }]);
  const { port } = new URL(edge.url);
  await untilLive(`http://abc123.overskill.localhost:${port}/`, "c0ffee");
  assert.equal(edge.calls[0].headers.host, `abc123.overskill.localhost:${port}`);
});
