// The first Worker behind the socket: picks the account Worker by host and route, and hands the request over as
// Cloudflare's edge does. What it answers itself carries `x-local-cloud-edge: <reason>`.

import { hostRouter } from "hosts.js";
import table from "table.json";

const decide = hostRouter(table);

/** What Cloudflare says of a client without country data: one on this machine has none. */
const COUNTRY = "XX";

export default {
  /**
   * @param {Request} request
   * @param {Record<string, {fetch(request: Request): Promise<Response>}>} env  `worker:{name}` for each account Worker
   */
  async fetch(request, env) {
    const url = URL.parse(request.url);
    if (!url || NOT_A_HOST.test(request.headers.get("host"))) {
      return answer({ status: 400, reason: "bad-address", message: "Bad Request: no URL has this host or path." });
    }
    const decision = decide(url);
    if (!("worker" in decision)) return answer(decision);

    const headers = asForwarded(request, url.protocol.slice(0, -1));
    const cf = { country: COUNTRY };
    try {
      return await env[`worker:${decision.worker}`].fetch(new Request(request, { headers, cf }));
    } catch (error) {
      console.error(`Worker ${decision.worker}: ${error.stack ?? error}`);
      const message = `error code: 1101\nWorker ${decision.worker} threw an exception.\n${error}`;
      return answer({ status: 500, reason: "worker-exception", message });
    }
  },
};

const NOT_A_HOST = /[^\w.:[\]-]/;

/** What the client claims of itself does not count, but for the proxies before it in `X-Forwarded-For`. */
function asForwarded(request, scheme) {
  const headers = new Headers(request.headers);
  const address = request.cf.clientIp.replace(/:\d+$/, "");
  const proxies = headers.get("X-Forwarded-For");
  headers.set("CF-Connecting-IP", address);
  headers.set("CF-IPCountry", COUNTRY);
  headers.set("CF-Ray", `${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}-LOC`);
  headers.set("CF-Visitor", JSON.stringify({ scheme }));
  headers.set("X-Forwarded-For", proxies ? `${proxies},${address}` : address);
  headers.set("X-Forwarded-Proto", scheme);
  headers.set("X-Real-IP", address);
  return headers;
}

/** @param {import("./hosts.js").Refusal} refusal */
function answer({ status, reason, message }) {
  const headers = { "content-type": "text/plain; charset=utf-8", "x-local-cloud-edge": reason };
  return new Response(`${message}\n`, { status, headers });
}
