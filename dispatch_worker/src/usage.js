/** A data point for each request: what usage, cost and quotas are counted from. */

const NO_APP = { appId: "-", script: "", environment: "" };
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * index1 app; blob1 script, blob2 app environment, blob3 outcome, blob4 `read`, `write` or `websocket`, blob5 country; double1
 * always 1, double2 wall time until the headers in ms, double3 and double4 the sizes of request and response in bytes, 0 where
 * they are not told beforehand. Never awaited, and no reason to fail.
 *
 * @param {Env} env
 * @param {Request} request
 * @param {Route | undefined} target
 * @param {Answer} answer
 * @param {number} wallMs
 */
export function record(env, request, target, { outcome, response }, wallMs) {
  try {
    const { appId, script, environment } = target?.kind === "app" ? target : NO_APP;
    const reads = READS.has(request.method);
    const kind = response.webSocket ? "websocket" : reads ? "read" : "write";
    env.USAGE.writeDataPoint({
      indexes: [appId],
      blobs: [script, environment, outcome, kind, String(request.cf?.country ?? "")],
      doubles: [1, wallMs, reads ? 0 : size(request.headers), size(response.headers)],
    });
  } catch (error) {
    console.error("a data point is lost", error);
  }
}

/** @param {Headers} headers */
const size = (headers) => Number(headers.get("Content-Length")) || 0;
