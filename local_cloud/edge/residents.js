// The apps that are loaded, the least recently used one first. workerd never lets go of a Worker that it has loaded by
// name, so apps are loaded without one, and dropped when there are more than RESIDENTS.

import { AssetServer } from "assets.js";
import { Budget } from "budgets.js";
import { environment, program } from "programs.js";

/** Raised by each change of a script: what was looked up before may be an older version. */
let generation = 0;

export function refresh() {
  generation += 1;
}

/** The residents by number, for their facades. An app that was dropped is not among them, and may still be at work. */
const byNumber = new Map();
let last = 0;

export const resident = (number) => byNumber.get(number);

/** After so many evictions garbage is collected: until then the engine keeps what was dropped. */
const EVICTIONS = 50;

/**
 * @typedef {object} App
 * @property {number} number
 * @property {string} version
 * @property {boolean} trusted  whether it gets `request.cf`
 * @property {Budget} budget
 * @property {Fetcher} [code]  none: the app is nothing but static assets
 * @property {AssetServer} [assets]
 */

export class Residents {
  /** @type {Map<string, {generation: number, app: Promise<App>}>} */
  #entries = new Map();
  #evicted = 0;
  #ctx;
  #env;

  /**
   * @param {DurableObjectState} ctx  its `exports` are the entrypoints of `facades.js`
   * @param {object} env
   * @param {Fetcher} env.CLOUD  the local cloud's own process, where `source.py` answers
   * @param {WorkerLoader} env.LOADER
   * @param {string} env.NEWEST_DATE  the latest compatibility date of this workerd
   * @param {number} env.RESIDENTS
   */
  constructor(ctx, env) {
    this.#ctx = ctx;
    this.#env = env;
  }

  /** @param {object} dispatch  as `namespace.js` tells it */
  async serve(request, dispatch) {
    const app = await this.#app(dispatch);
    const asked = app.trusted ? new Request(request, { cf: dispatch.cf }) : request;
    const settle = app.budget.grant(dispatch.subrequests);
    try {
      return await (app.assets ? app.assets.fetch(asked, this.#ctx, app.code) : app.code.fetch(asked));
    } finally {
      settle();
    }
  }

  /** What an app's `fetch` goes to is fixed as it is loaded: each set of outbound parameters loads it anew. */
  #app(dispatch) {
    const { namespace, script, outbound, subrequests } = dispatch;
    const key = JSON.stringify([namespace, script, outbound, subrequests === undefined]);
    let entry = this.#entries.get(key);
    if (entry?.generation !== generation) {
      entry = { generation, app: this.#load(dispatch, entry?.app) };
      entry.app.catch(() => this.#entries.get(key) === entry && this.#entries.delete(key));
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#env.RESIDENTS) this.#evict();
    return entry.app;
  }

  /** The current version: the one that was resident before, if the source says that it still is. */
  async #load(dispatch, before) {
    const known = await before?.catch(() => undefined);
    const answer = await described(this.#env.CLOUD, dispatch, known?.version);
    if (answer.status === 304) return known;
    const script = await answer.json();
    const app = {
      number: ++last,
      version: answer.headers.get("etag"),
      trusted: script.trusted,
      budget: new Budget(),
      assets: script.assets && new AssetServer(script.assets, this.#env.CLOUD),
    };
    if (script.mainModule) app.code = this.#run(script, dispatch, app.number);
    if (known) byNumber.delete(known.number);
    byNumber.set(app.number, app);
    return app;
  }

  #run(script, { namespace, script: name, outbound, subrequests }, app) {
    const { exports } = this.#ctx;
    const home = { namespace, script: name, app };
    const counted = outbound !== undefined || subrequests !== undefined;
    const worker = this.#env.LOADER.load({
      ...program(script, this.#env.NEWEST_DATE),
      env: environment(script, exports, home),
      tails: [exports.Logs({ props: home })],
      ...(counted ? { globalOutbound: exports.Outbound({ props: { app, outbound } }) } : {}),
    });
    return worker.getEntrypoint();
  }

  #evict() {
    const [key, entry] = this.#entries.entries().next().value;
    this.#entries.delete(key);
    entry.app.then(({ number }) => byNumber.delete(number), () => {});
    this.#evicted += 1;
    if (this.#evicted % EVICTIONS === 0) globalThis.gc();
  }
}

/** What the source says of a script; throws in its words if it has none, or if it has none that can run. `version`: what is known already. */
export async function described(cloud, { namespace, script }, version) {
  const url = `http://cloud/_edge/namespaces/${encodeURIComponent(namespace)}/scripts/${encodeURIComponent(script)}`;
  const answer = await cloud.fetch(url, { headers: version ? { "if-none-match": version } : {} });
  if (answer.status === 404) throw new Error(await answer.text());
  if (answer.status !== 304 && !answer.ok) throw new Error(`Failed to start Worker:\n${await answer.text()}`);
  return answer;
}
