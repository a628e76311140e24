/**
 * The outbound Worker: every `fetch` of every app passes it.
 *
 * @typedef {{ mode: "observe" | "enforce", allow: string[] }} Policy
 * @typedef {object} Env
 * @property {string} DEFAULT_PLAN
 * @property {Record<string, Policy>} EGRESS by plan
 * @property {{ writeDataPoint(point: { indexes: string[], blobs: string[], doubles: number[] }): void }} USAGE
 * @property {string} app its id; this and what follows is given by the dispatch Worker, for each request
 * @property {string} environment
 * @property {string} plan
 * @property {string} script
 * @property {string[]} services the hosts that the app declares as its own services
 */

import { covers } from "./hosts.js";

export default {
  /**
   * @param {Request} request
   * @param {Env} env
   */
  async fetch(request, env) {
    const { hostname } = new URL(request.url);
    // A version of the dispatch Worker that is kept by a rollout may name a plan that is gone by now.
    const { mode, allow } = env.EGRESS[env.plan] ?? env.EGRESS[env.DEFAULT_PLAN];
    if (covers(allow, hostname) || covers(env.services, hostname)) return fetch(request);
    record(env, mode === "enforce" ? "egress-denied" : "egress-observed", request.method, hostname);
    return mode === "enforce" ? denied(hostname) : fetch(request);
  },
};

/**
 * One data point, never awaited: index1 app, blob1 script, blob2 app environment, blob3 outcome, blob4 method, blob5 host,
 * blob6 plan, double1 always 1.
 *
 * @param {Env} env
 * @param {string} outcome
 * @param {string} method
 * @param {string} host
 */
function record(env, outcome, method, host) {
  env.USAGE.writeDataPoint({
    indexes: [env.app],
    blobs: [env.script, env.environment, outcome, method, host, env.plan],
    doubles: [1],
  });
}

/**
 * What the app gets in place of an answer: its author reads it in the app's own logs.
 *
 * @param {string} host
 */
function denied(host) {
  const problem = {
    type: "about:blank",
    title: "This host is not among the app's services",
    status: 403,
    detail: `The app's plan does not let it call ${host}. Declare the host as a service of the app.`,
  };
  return Response.json(problem, {
    status: 403,
    headers: { "Content-Type": "application/problem+json", "X-OverSkill-Egress": "denied" },
  });
}
