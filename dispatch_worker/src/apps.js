/** What is known of an app, and what follows from it for a request: limits, and what the outbound Worker is told. */

import { stored } from "./store.js";

const STATES = new Set(["suspended", "over-quota", "legal", "maintenance"]);

/**
 * @param {string} appId
 * @param {Env} env
 * @returns {Promise<App>}
 */
export async function knownApp(appId, env) {
  const [record, state] = await Promise.all([stored(`app:${appId}`, env), stored(`state:${appId}`, env)]);
  const services = Array.isArray(record?.services) ? record.services.map(lowerCase) : [];
  return { declared: record !== undefined, plan: record?.plan, services, state: STATES.has(state?.state) ? state : undefined };
}

/**
 * The third argument of a namespace's `get`.
 *
 * @param {AppRoute} target
 * @param {App} app
 * @param {Settings} settings
 */
export function dispatchOptions({ appId, environment, script }, app, { plans, defaultPlan }) {
  const plan = app.plan && Object.hasOwn(plans, app.plan) ? app.plan : defaultPlan;
  return { limits: plans[plan], outbound: { app: appId, environment, plan, script, services: app.services } };
}

/** @param {unknown} host */
const lowerCase = (host) => String(host).toLowerCase();
