/**
 * What the platform knows of an app, and what follows from it for a request: limits, and what the outbound Worker is told.
 *
 * @typedef {{ plan?: string, services?: string[] }} AppRecord in KV under `app:{app id}`: the app's plan, and the hosts that
 *   it declares as its own services
 * @typedef {{ cpuMs: number, subRequests: number }} Limits
 */

const FRESH_MS = 5_000;
const MOST = 10_000;

/** @type {Map<string, { record: AppRecord, until: number }>} */
const known = new Map();

/**
 * The record of an app, some seconds older than what KV gives, which is a minute old at the most. Without one, or while
 * KV fails, an app is on the default plan: a fault of ours takes no app down.
 *
 * @param {string} appId
 * @param {import("./index.js").Env} env
 * @returns {Promise<AppRecord>}
 */
export async function appRecord(appId, env) {
  const found = known.get(appId);
  if (found && found.until > Date.now()) return found.record;
  try {
    const record = (await env.APPS.get(`app:${appId}`, "json")) ?? {};
    if (known.size >= MOST) known.clear();
    known.set(appId, { record, until: Date.now() + FRESH_MS });
    return record;
  } catch (error) {
    console.error(`the record of app ${appId} cannot be read`, error);
    return found?.record ?? {};
  }
}

/**
 * The third argument of a namespace's `get`.
 *
 * @param {import("./routing.js").AppRoute} target
 * @param {AppRecord} record
 * @param {import("./index.js").Env} env
 */
export function dispatchOptions({ appId, environment, script }, record, env) {
  const plan = record.plan && Object.hasOwn(env.PLANS, record.plan) ? record.plan : env.DEFAULT_PLAN;
  const services = Array.isArray(record.services) ? record.services.map((host) => String(host).toLowerCase()) : [];
  return { limits: env.PLANS[plan], outbound: { app: appId, environment, plan, script, services } };
}
