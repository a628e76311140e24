// The process of the apps. A dispatch Worker's request arrives here, finds its app among the residents and is answered
// by it. Stubs of loaded Workers belong to the event that made them, so they live in one Durable Object.

import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import { receive } from "hop.js";
import { refresh, Residents } from "residents.js";

export { Assets, Logs, Outbound, Resource, Service } from "facades.js";

export class Apps extends DurableObject {
  #residents = new Residents(this.ctx, this.env);

  fetch(request) {
    return receive(request, this.env.TOKEN, (asked, dispatch) => this.#residents.serve(asked, dispatch));
  }
}

/** What the edge asks: a GET whether the process still answers, a POST to have scripts looked up anew. */
export class Control extends WorkerEntrypoint {
  fetch(request) {
    if (request.method === "POST") refresh();
    return new Response();
  }
}

export default {
  fetch(request, env) {
    return env.APPS.get(env.APPS.idFromName("apps")).fetch(request);
  },
};
