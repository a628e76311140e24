// What the workflow's steps run: `node .github/overskill/run.mjs begin|deploy|comment|failed|remove`. Needs Node alone.

import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Cloudflare } from "./cloudflare.mjs";
import { comment } from "./comment.mjs";
import { deploy } from "./deploy.mjs";
import { retire } from "./deployments.mjs";
import { endOf } from "./failure.mjs";
import { Outbox } from "./outbox.mjs";
import { runOf } from "./target.mjs";

const { env } = process;
const COMMANDS = { begin, deploy: () => deploy(run, cloudflare, outbox, env), comment: preview, failed, remove };

/** A step's output that later steps see, and `failed` among them. */
const output = (name, value) => env.GITHUB_OUTPUT && appendFileSync(env.GITHUB_OUTPUT, `${name}=${value}\n`);

async function begin() {
  output("url", run.target.url);
  console.log(`${run.target.environment}: ${run.commit} goes to ${run.target.url}`);
  await outbox.tell("started");
}

async function preview() {
  await comment(run, env, `**Preview** of ${run.commit}: ${run.target.url}`);
}

async function failed() {
  const [what, error] = endOf(JSON.parse(env.STEPS));
  await outbox.tell(what, { error }, { last: true });
}

async function remove() {
  await cloudflare.remove(run.target);
  await comment(run, env, "**Preview**: removed, since this pull request is closed.");
  await retire(run, env);
}

let run, cloudflare, outbox;
try {
  run = runOf(env, JSON.parse(readFileSync(env.GITHUB_EVENT_PATH, "utf8")));
  cloudflare = new Cloudflare(run.app, env);
  const file = join(env.RUNNER_TEMP, `overskill-${run.run.id}-${run.run.attempt}.json`);
  outbox = new Outbox(run, { secret: env.OVERSKILL_WEBHOOK_SECRET, file });
  await COMMANDS[process.argv[2]]();
} catch (error) {
  const line = error.message.replaceAll("\n", " ");
  output("error", line);
  console.log(`::error::${line}`);
  process.exitCode = 1;
}
