/** What is known of an app, and what follows from it for a request: limits, and what the outbound Worker is told. */

import { Memory } from "./memory.js";
import { stored } from "./store.js";

const STATES = new Set(["suspended", "over-quota", "legal", "maintenance"]);

/** @type {Memory<App>} */
const apps = new Memory();

/** @param {string} appId @returns {App | undefined} undefined: it is to be read */
export function knownApp(appId) {
  const app = apps.get(appId);
  return app && app.until > Date.now() ? app : undefined;
}

/** @param {string} appId @param {Env} env @returns {Promise<App>} */
export async function readApp(appId, env) {
  const [declared, set] = await Promise.all([stored(`app:${appId}`, env), stored(`state:${appId}`, env)]);
  const record = declared.value;
  const app = {
    declared: record !== undefined,
    plan: record?.plan,
    services: Array.isArray(record?.services) ? record.services.map(lowerCase) : [],
    state: STATES.has(set.value?.state) ? set.value : undefined,
    until: Math.min(declared.until, set.until),
  };
  apps.set(appId, app);
  return app;
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
