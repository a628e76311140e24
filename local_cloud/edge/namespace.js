// The binding to a dispatch namespace, as a dispatch Worker sees it: `env.NAMESPACE.get(name, args, options).fetch(request)`.
// The apps run in a process of their own (`apps.js`). Keep this file ASCII: workerd reads the modules of an extension
// as Latin-1.

import { cross } from "local:hop";

/**
 * Of the options, `limits.subRequests` is held, and `limits.cpuMs` is not: workerd has no such limit, so the edge ends
 * a process of apps that does not answer for a second (`supervision.py`). `outbound` are values for the outbound
 * Worker, of which those that the binding declares reach it.
 *
 * @param {object} inner
 * @param {string} inner.NAMESPACE
 * @param {Fetcher} inner.APPS  the other process
 * @param {string} [inner.OUTBOUND]  the outbound Worker's name, if there is one
 * @param {string[]} [inner.PARAMETERS]  the parameters that the binding declares
 */
export default function dispatchNamespace({ NAMESPACE, APPS, OUTBOUND, PARAMETERS = [] }) {
  return {
    get(name, _args, { limits, outbound = {} } = {}) {
      const declared = PARAMETERS.filter((parameter) => Object.hasOwn(outbound, parameter));
      const params = Object.fromEntries(declared.map((parameter) => [parameter, outbound[parameter]]));
      const dispatch = {
        namespace: NAMESPACE,
        script: String(name),
        subrequests: limits?.subRequests,
        outbound: OUTBOUND && { worker: OUTBOUND, params },
      };
      return {
        async fetch(input, init) {
          const request = new Request(input, init);
          try {
            return await cross(APPS, request, { ...dispatch, cf: request.cf });
          } catch (error) {
            throw error.message === LOST ? new Error("Worker exceeded CPU time limit.") : error;
          }
        },
      };
    },
  };
}

/** What workerd says when the process at the other end is killed. */
const LOST = "Network connection lost.";
