// The apps that are loaded, the least recently used one first. workerd never lets go of a Worker that it has loaded by
// name, so apps are loaded without one, and dropped when there are more than RESIDENTS.

import { environment, program } from "programs.js";
import { Budget } from "budgets.js";

/** Raised by each change of a script: what was looked up before may be an older version. */
let generation = 0;

export function refresh() {
  generation += 1;
}

/** After so many evictions garbage is collected: until then the engine keeps what was dropped. */
const EVICTIONS = 50;

export class Residents {
  /** @type {Map<string, {generation: number, app: Promise<App>}>} */
  #entries = new Map();
  #evicted = 0;
  #env;
  #exports;

  /**
   * @param {object} env
   * @param {Fetcher} env.CLOUD  the local cloud's own process, where `source.py` answers
   * @param {WorkerLoader} env.LOADER
   * @param {string} env.NEWEST_DATE  the latest compatibility date of this workerd
   * @param {number} env.RESIDENTS
   * @param {object} exports  the entrypoints of `facades.js`
   */
  constructor(env, exports) {
    this.#env = env;
    this.#exports = exports;
  }

  /** @param {object} dispatch  as `namespace.js` tells it */
  async serve(request, dispatch) {
    const app = await this.#app(dispatch);
    const settle = app.budget.grant(dispatch.subrequests);
    try {
      return await app.entrypoint.fetch(app.trusted ? new Request(request, { cf: dispatch.cf }) : request);
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
    const [namespace, script] = [dispatch.namespace, dispatch.script].map(encodeURIComponent);
    const headers = known ? { "if-none-match": known.version } : {};
    const answer = await this.#env.CLOUD.fetch(`http://cloud/_edge/namespaces/${namespace}/scripts/${script}`, { headers });
    if (answer.status === 304) return known;
    if (answer.status === 404) throw new Error("Worker not found.");
    if (!answer.ok) throw new Error(`Failed to start Worker:\n${await answer.text()}`);
    const code = await answer.json();
    known?.budget.close();
    const budget = new Budget();
    const facades = { exports: this.#exports, budget: budget.id };
    const worker = this.#env.LOADER.load({
      ...program(code, this.#env.NEWEST_DATE),
      env: environment(code, facades),
      tails: [this.#exports.Logs({ props: { namespace: dispatch.namespace, script: dispatch.script } })],
      ...this.#outbound(dispatch, budget),
    });
    return { version: answer.headers.get("etag"), trusted: code.trusted, entrypoint: worker.getEntrypoint(), budget };
  }

  #outbound({ outbound, subrequests }, budget) {
    if (!outbound && subrequests === undefined) return {};
    return { globalOutbound: this.#exports.Outbound({ props: { outbound, budget: budget.id } }) };
  }

  #evict() {
    const [key, entry] = this.#entries.entries().next().value;
    this.#entries.delete(key);
    entry.app.then(({ budget }) => budget.close(), () => {});
    this.#evicted += 1;
    if (this.#evicted % EVICTIONS === 0) globalThis.gc();
  }
}
