// What the platform is told of a deploy: https://www.standardwebhooks.com, signed with the app's own secret.
//
// A deploy waits for nobody: each event is sent once at its time. What was not taken is kept in a file, and sent before
// the next one; the last event of a run is sent with patience, and whatever is left then is a warning.

import { createHmac } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const PATIENCE = [500, 1_000, 2_000, 4_000];
const PASSING = new Set([408, 425, 429]);

export class Outbox {
  #run;
  #secret;
  #file;
  #patience;

  /**
   * @param {import("./target.mjs").Run} run
   * @param {{ secret?: string, file: string, patience?: number[] }} options `patience`: milliseconds between tries
   */
  constructor(run, { secret, file, patience = PATIENCE }) {
    this.#run = run;
    this.#secret = secret;
    this.#file = file;
    this.#patience = patience;
  }

  /**
   * Never fails the deploy.
   *
   * @param {"started" | "built" | "uploaded" | "succeeded" | "failed" | "cancelled"} what
   * @param {{ url?: string, error?: string }} [more]
   * @param {{ last?: boolean }} [options]
   */
  async tell(what, more = {}, { last = false } = {}) {
    if (!this.#secret) return console.log("::warning::the secret OVERSKILL_WEBHOOK_SECRET is missing: nobody is told");
    let waiting = [...this.#kept(), this.#event(what, more)];
    let problem = "";
    for (const pause of last ? [0, ...this.#patience] : [0]) {
      await sleep(pause);
      [waiting, problem] = await this.#deliver(waiting);
      if (waiting.length === 0) break;
    }
    writeFileSync(this.#file, JSON.stringify(waiting));
    if (last && waiting.length > 0)
      console.log(`::warning::${this.#run.app.hooks} was not told of this deploy: ${problem}`);
  }

  #kept() {
    return existsSync(this.#file) ? JSON.parse(readFileSync(this.#file, "utf8")) : [];
  }

  #event(what, more) {
    const { app, target, commit, pullRequest, actor, run } = this.#run;
    return {
      type: `deploy.${what}`,
      app: app.id,
      environment: target.environment,
      script: target.script,
      commit,
      pull_request: pullRequest,
      run,
      actor,
      ...more,
      at: new Date().toISOString(),
    };
  }

  /** In order; what is left when one is not taken, and why. */
  async #deliver(events) {
    for (const [position, event] of events.entries()) {
      const problem = await this.#send(event);
      if (problem) return [events.slice(position), problem];
    }
    return [[], ""];
  }

  /** Why it was not taken; empty if it was, or never will be. */
  async #send(event) {
    const body = JSON.stringify(event);
    const id = `msg_${event.run.id}_${event.run.attempt}_${event.type.replace(".", "_")}`;
    const headers = {
      "Content-Type": "application/json",
      ...signed(id, Math.floor(Date.now() / 1_000), body, this.#secret),
    };
    const call = { method: "POST", headers, body, redirect: "error", signal: AbortSignal.timeout(3_000) };
    try {
      const answer = await fetch(this.#run.app.hooks, call);
      if (answer.ok) return "";
      const problem = `${answer.status} ${(await answer.text()).slice(0, 200)}`;
      if (answer.status >= 500 || PASSING.has(answer.status)) return problem;
      console.log(`::warning::${event.type} was refused: ${problem}`);
      return "";
    } catch (error) {
      return String(error.cause?.message ?? error.message);
    }
  }
}

/**
 * @param {string} id the same at each try
 * @param {number} seconds
 * @param {string} body
 * @param {string} secret used as it is
 */
export function signed(id, seconds, body, secret) {
  const signature = createHmac("sha256", secret).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": `v1,${signature}` };
}
