// What an app gets of the world outside its isolate: stubs of these entrypoints. Their properties say what the app may
// reach by them, and the app can neither see nor change those.

import { WorkerEntrypoint } from "cloudflare:workers";
import { AssetServer } from "assets.js";
import { Batches } from "batches.js";
import { cross } from "hop.js";
import { described, resident } from "residents.js";

/** One subrequest more. Those of an app that is no longer resident are not counted. */
const spend = (app) => resident(app)?.budget.spend();

/** What the app fetches. `outbound`: the outbound Worker's name and parameters, if there is one. */
export class Outbound extends WorkerEntrypoint {
  async fetch(request) {
    const { app, outbound } = this.ctx.props;
    spend(app);
    return outbound ? cross(this.env.ACCOUNT, request, { outbound }) : fetch(request);
  }
}

/** A service binding: an account Worker, in the other process. */
export class Service extends WorkerEntrypoint {
  async fetch(request) {
    const { app, service } = this.ctx.props;
    spend(app);
    return cross(this.env.ACCOUNT, request, { service });
  }
}

/** The app's static assets, by its binding to them. */
export class Assets extends WorkerEntrypoint {
  async fetch(request) {
    const { app, namespace, script } = this.ctx.props;
    const served = resident(app)?.assets ?? (await this.#current({ namespace, script }));
    return served.fetchAsset(request, this.ctx);
  }

  /** Those of the script as it is now: the app is still at work, but no longer resident. */
  async #current(script) {
    const answer = await described(this.env.CLOUD, script);
    return new AssetServer((await answer.json()).assets, this.env.CLOUD);
  }
}

/**
 * A resource of the account, such as a KV namespace, in the protocol that `edge_data` speaks at `host`. `header` says in
 * which header the `id` of the resource is expected. Whatever the app asks, it asks it of that resource.
 */
export class Resource extends WorkerEntrypoint {
  async fetch(request) {
    const { app, host, header, id } = this.ctx.props;
    spend(app);
    const headers = new Headers(request.headers);
    for (const name of [...headers.keys()]) if (name.startsWith("local-cloud-")) headers.delete(name);
    headers.set(header, id);
    const { pathname, search } = new URL(request.url);
    return this.env.CLOUD.fetch(new Request(`http://${host}${pathname}${search}`, new Request(request, { headers })));
  }
}

const told = new Batches("events", "/_edge/events");

/** What an app wrote to its console and threw, for the local cloud's process. */
export class Logs extends WorkerEntrypoint {
  async tail(events) {
    const { app, namespace, script } = this.ctx.props;
    const subrequests = () => resident(app)?.budget.take() ?? 0;
    const items = events.map((event) => ({ namespace, script, subrequests: subrequests(), ...shown(event) }));
    await told.add(this.env.CLOUD, items);
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
