// Around the main module of a Worker that is the outbound Worker of a dispatch namespace's binding. An app's `fetch`
// arrives at an entrypoint that the app cannot address, and the parameters are properties of the stub that leads there:
// nothing that the app sends gets near them. `workers.py` puts the main module's name in the place of "main.js".

import { WorkerEntrypoint } from "cloudflare:workers";
import * as main from "main.js";

export * from "main.js";
export { default } from "main.js";

/** Where the `fetch` of an app arrives: it calls the default export with the parameters in `env`. */
export class LocalCloudOutbound extends WorkerEntrypoint {
  fetch(request) {
    const handler = main.default;
    const env = { ...this.env, ...this.ctx.props };
    if (typeof handler === "function") return new handler(this.ctx, env).fetch(request);
    return handler.fetch(request, env, this.ctx);
  }
}

/** What `account.js` asks. */
export class LocalCloudOutbounds extends WorkerEntrypoint {
  /** @param {Record<string, unknown>} params  @returns {Fetcher} for the `globalOutbound` of an app */
  with(params) {
    return this.ctx.exports.LocalCloudOutbound({ props: params });
  }
}
