// What an app gets of the world outside its isolate: stubs of these entrypoints. Their properties say what the app may
// reach by them, and the app can neither see nor change those.

import { WorkerEntrypoint } from "cloudflare:workers";
import { spend } from "budgets.js";
import { cross } from "hop.js";

/** What the app fetches. `outbound`: the outbound Worker's name and parameters, if there is one. */
export class Outbound extends WorkerEntrypoint {
  async fetch(request) {
    const { budget, outbound } = this.ctx.props;
    spend(budget);
    return outbound ? cross(this.env.ACCOUNT, request, { outbound }) : fetch(request);
  }
}

/** A service binding: an account Worker, in the other process. */
export class Service extends WorkerEntrypoint {
  async fetch(request) {
    const { budget, service } = this.ctx.props;
    spend(budget);
    return cross(this.env.ACCOUNT, request, { service });
  }
}

/**
 * A resource of the account, such as a KV namespace, in its own protocol (`edge_data.py`). `header` says in which header
 * the local cloud's process finds the resource's `id`. Whatever the app asks, it asks it of that resource.
 */
export class Resource extends WorkerEntrypoint {
  async fetch(request) {
    const { budget, header, id } = this.ctx.props;
    spend(budget);
    const headers = new Headers(request.headers);
    for (const name of [...headers.keys()]) if (name.startsWith("local-cloud-")) headers.delete(name);
    headers.set(header, id);
    const url = new URL(request.url);
    return this.env.CLOUD.fetch(new Request(`http://fake-host${url.pathname}${url.search}`, new Request(request, { headers })));
  }
}

/** Events that wait to be sent, and whether somebody is about to send them. */
const pending = [];
let collecting = false;

const COLLECT_MS = 100;

/** What an app wrote to its console and threw: sent to the local cloud's process, many at a time. */
export class Logs extends WorkerEntrypoint {
  async tail(events) {
    pending.push(...events.map((event) => ({ ...this.ctx.props, ...shown(event) })));
    if (collecting) return;
    collecting = true;
    await scheduler.wait(COLLECT_MS);
    collecting = false;
    const body = JSON.stringify(pending.splice(0));
    await this.env.CLOUD.fetch("http://cloud/_edge/events", { method: "POST", body });
  }
}

function shown({ outcome, eventTimestamp, event, logs, exceptions }) {
  const { url, method } = event?.request ?? {};
  return {
    outcome,
    timestamp: eventTimestamp,
    wall_ms: Date.now() - eventTimestamp,
    request: { url, method },
    logs: logs.map(({ timestamp, level, message }) => ({ timestamp, level, message })),
    exceptions: exceptions.map(({ timestamp, name, message, stack }) => ({ timestamp, name, message, stack })),
  };
}
