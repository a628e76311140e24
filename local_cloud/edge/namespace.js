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
 * @param {Fetcher} inner.CLOUD  the local cloud's own, to tell it of a call that did not end
 * @param {string} [inner.OUTBOUND]  the outbound Worker's name, if there is one
 * @param {string[]} [inner.PARAMETERS]  the parameters that the binding declares
 */
export default function dispatchNamespace({ NAMESPACE, APPS, CLOUD, OUTBOUND, PARAMETERS = [] }) {
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
          const timestamp = Date.now();
          try {
            return await cross(APPS, request, { ...dispatch, cf: request.cf });
          } catch (error) {
            if (error.message !== LOST) throw error;
            const { name, message } = new Error("Worker exceeded CPU time limit.");
            const failed = { outcome: "exceededCpu", exceptions: [{ timestamp: Date.now(), name, message }] };
            await tell(CLOUD, { ...failed, namespace: NAMESPACE, script: dispatch.script, timestamp, request });
            throw new Error(message);
          }
        },
      };
    },
  };
}

/** As `facades.js` tells of calls that ended. */
function tell(cloud, { request: { url, method }, timestamp, ...event }) {
  const wall_ms = Date.now() - timestamp;
  const body = JSON.stringify([{ ...event, timestamp, wall_ms, subrequests: 0, request: { url, method }, logs: [] }]);
  return cloud.fetch("http://cloud/_edge/events", { method: "POST", body });
}

/** What workerd says when the process at the other end is killed. */
const LOST = "Network connection lost.";
