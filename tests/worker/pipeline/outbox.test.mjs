import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { Outbox } from "../../../app_template/.github/overskill/outbox.mjs";
import { APP, folder, RUN, serving } from "./setting.mjs";

const outboxFor = (url, file = join(folder(), "waiting.json"), secret = "s3cret") =>
  new Outbox({ ...RUN, app: { ...APP, hooks: `${url}/hooks` } }, { secret, file, patience: [1, 1] });
const told = ({ calls }) => calls.map(({ body }) => JSON.parse(body).type);

test("an event is signed over id, time and body", async (t) => {
  const platform = await serving(t, () => [202, {}]);
  await outboxFor(platform.url).tell("succeeded", { url: "https://abc123.example/" }, { last: true });
  const [{ headers, body }] = platform.calls;
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  assert.equal(headers["webhook-signature"], `v1,${createHmac("sha256", "s3cret").update(signed).digest("base64")}`);
  const { at, ...event } = JSON.parse(body);
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 5_000);
  assert.deepEqual(event, {
    type: "deploy.succeeded",
    app: "abc123",
    environment: "production",
    script: "abc123",
    commit: "c0ffee",
    pull_request: null,
    run: RUN.run,
    actor: "ada",
    url: "https://abc123.example/",
  });
});

test("what was not taken is sent before the next event, in order and under the same id, by any step", async (t) => {
  const platform = await serving(t, (_, number) => [number < 3 ? 503 : 202, {}]);
  const file = join(folder(), "waiting.json");
  await outboxFor(platform.url, file).tell("started");
  await outboxFor(platform.url, file).tell("built");
  await outboxFor(platform.url, file).tell("succeeded", {}, { last: true });
  assert.deepEqual(told(platform), [
    "deploy.started",
    "deploy.started",
    "deploy.started",
    "deploy.built",
    "deploy.succeeded",
  ]);
  assert.equal(new Set(platform.calls.slice(0, 3).map(({ headers }) => headers["webhook-id"])).size, 1);
});

test("the last event is tried again, and nothing that goes wrong fails the deploy", async (t) => {
  const platform = await serving(t, () => [500, {}]);
  await outboxFor(platform.url).tell("failed", { error: "x" }, { last: true });
  assert.equal(platform.calls.length, 3);
  await outboxFor("http://127.0.0.1:1").tell("started");
  await outboxFor(platform.url, undefined, "").tell("started");
  assert.equal(platform.calls.length, 3);
});

test("what is refused for good is not sent again", async (t) => {
  const platform = await serving(t, () => [401, {}]);
  const file = join(folder(), "waiting.json");
  await outboxFor(platform.url, file).tell("started");
  await outboxFor(platform.url, file).tell("failed", {}, { last: true });
  assert.deepEqual(told(platform), ["deploy.started", "deploy.failed"]);
});
