// What apps ask of the account's Workers, from their process: an outbound Worker, with its parameters, for what an app
// fetches, and the Worker that a service binding names.

import { receive } from "hop.js";

export default {
  /** @param {Record<string, any>} env  `worker:{name}` for each account Worker, `outbound:{name}` for outbound ones */
  fetch(request, env) {
    return receive(request, env.TOKEN, async (asked, { service, outbound }) => {
      const stub = outbound ? await env[`outbound:${outbound.worker}`].with(outbound.params) : env[`worker:${service}`];
      if (!stub) throw new Error(`Worker ${service} does not exist or has no deployed version.`);
      return stub.fetch(asked);
    });
  },
};
