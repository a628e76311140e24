// Uploads what the build has left, by wrangler, and waits until the public address serves it.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { untilLive, VERSION_FILE } from "./live.mjs";

const REDIRECT = ".wrangler/deploy/config.json";
const WRANGLER = "node_modules/.bin/wrangler";

/** In what wrangler prints, which is not always the status: that the API is busy or broken, or could not be reached. */
const PASSING = [
  /\b(429|5\d\d)\b|Retry-After|throttling|workers\.api\.error\.(unknown|internal_server)/i,
  /fetch failed|ECONNRESET|ECONNREFUSED|socket hang up|timed? ?out|malformed response/i,
];

const PAUSES = [1_000, 2_000, 4_000, 8_000, 16_000];
const WITHHELD = /^(OVERSKILL_|GITHUB_TOKEN$|ACTIONS_ID_TOKEN_)/;

/** What the app's stack declares, each app environment's own: `wrangler.jsonc` may name them for `npm run dev`. */
const PLATFORMS = { d1_databases: [], kv_namespaces: [], r2_buckets: [] };

/** The kinds of bindings that a script has from there. */
const DECLARED = ["plain_text", "json", "secret_text", "secret_key", "d1", "kv_namespace", "r2_bucket", "service"];

/**
 * @param {import("./target.mjs").Run} run
 * @param {import("./cloudflare.mjs").Cloudflare} cloudflare
 * @param {import("./outbox.mjs").Outbox} outbox
 * @param {Record<string, string | undefined>} env
 */
export async function deploy(run, cloudflare, outbox, env) {
  await outbox.tell("built");
  const config = prepared(run, ".", run.app.broker ? undefined : await ownMetadata(run, cloudflare));
  await uploaded(run, cloudflare, config, env);
  await outbox.tell("uploaded");
  await untilLive(run.target.url, run.commit);
  await outbox.tell("succeeded", { url: run.target.url }, { last: true });
}

/**
 * What an upload would take from the script if it left it out; with a broker, that is the broker's to add. A pull
 * request's is tagged as the app's preview is.
 *
 * @param {import("./target.mjs").Run} run
 * @param {import("./cloudflare.mjs").Cloudflare} cloudflare
 */
export async function ownMetadata({ app, target, pullRequest }, cloudflare) {
  const declared = await cloudflare.tags(target.namespace, app.scripts[target.environment]);
  const tags = declared.length > 0 ? declared : [`app-${app.id}`, `environment-${target.environment}`];
  return { keep_bindings: DECLARED, tags: pullRequest ? [...tags, `pull-request-${pullRequest}`] : tags };
}

/**
 * The configuration that the build has left, with what this deploy adds: which commit it is, for everybody to see.
 *
 * @param {import("./target.mjs").Run} run
 * @param {string} folder of the repository
 * @param {object} [metadata] of the upload
 * @returns {string} the file
 */
export function prepared({ app, target, commit, run }, folder, metadata) {
  const redirect = join(folder, REDIRECT);
  if (!existsSync(redirect)) {
    throw new Error(`the build has left no ${REDIRECT}: vite.config.ts needs the plugin of @cloudflare/vite-plugin`);
  }
  const file = resolve(dirname(redirect), JSON.parse(readFileSync(redirect, "utf8")).configPath);
  const config = JSON.parse(readFileSync(file, "utf8"));
  if (!config.assets?.directory)
    throw new Error('the build has no page: wrangler.jsonc needs "assets": {}, and index.html');
  const version = join(dirname(file), config.assets.directory, VERSION_FILE);
  mkdirSync(dirname(version), { recursive: true });
  writeFileSync(version, JSON.stringify({ app: app.id, environment: target.environment, commit, run: run.url }));
  writeFileSync(
    file,
    JSON.stringify({ ...config, ...PLATFORMS, name: target.script, unsafe: metadata && { metadata } }),
  );
  return file;
}

/**
 * By wrangler. Tried again where the API, and not the app, is the reason that it fails.
 *
 * @param {import("./target.mjs").Run} run
 * @param {import("./cloudflare.mjs").Cloudflare} cloudflare
 * @param {string} config the file
 * @param {Record<string, string | undefined>} env
 * @param {{ program?: string, pauses?: number[] }} [options] `pauses`: milliseconds between tries
 */
export async function uploaded({ app, target }, cloudflare, config, env, { program = WRANGLER, pauses = PAUSES } = {}) {
  if (!existsSync(program)) throw new Error("package.json names no wrangler: npm install --save-dev wrangler");
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !WITHHELD.test(name)));
  const words = ["deploy", "--config", config, "--name", target.script, "--dispatch-namespace", target.namespace];
  for (const pause of [...pauses, undefined]) {
    const printed = await ended(program, words, {
      ...kept,
      CI: "true",
      NO_COLOR: "1",
      WRANGLER_SEND_METRICS: "false",
      CLOUDFLARE_ACCOUNT_ID: app.account,
      CLOUDFLARE_API_BASE_URL: cloudflare.baseUrl,
      CLOUDFLARE_API_TOKEN: await cloudflare.token(),
    });
    if (printed === undefined) return;
    if (pause === undefined || !PASSING.some((words) => words.test(printed))) throw new Error(problemIn(printed));
    console.log(`::warning::the upload failed for a passing reason, and is tried again in ${pause / 1_000} s`);
    await sleep(pause);
  }
}

/** @param {string} printed */
const problemIn = (printed) => /\[ERROR\]\s*(.+)/.exec(printed)?.[1].trim() ?? "wrangler has failed; the log says why";

/**
 * Undefined if the program ends well, else all that it printed.
 *
 * @param {string} program
 * @param {string[]} words
 * @param {Record<string, string | undefined>} env
 * @returns {Promise<string | undefined>}
 */
function ended(program, words, env) {
  return new Promise((fulfil, reject) => {
    const child = spawn(program, words, { env, stdio: ["ignore", "pipe", "pipe"] });
    let printed = "";
    for (const [stream, shown] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      stream.setEncoding("utf8").on("data", (text) => {
        printed += text;
        shown.write(text);
      });
    }
    child.on("error", reject).on("close", (code) => fulfil(code === 0 ? undefined : printed));
  });
}
