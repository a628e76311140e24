/**
 * The dispatch Worker: one Worker that carries the traffic of all apps of a platform environment. Nothing that it answers
 * changes anything, and what fails in one app, in KV or here is never another app's failure.
 */

import { admission } from "./access.js";
import { dispatchOptions, knownApp, readApp } from "./apps.js";
import { outcomeOf } from "./failures.js";
import { page } from "./pages.js";
import { elsewhere } from "./redirects.js";
import { seenByApp } from "./requests.js";
import { fromApp } from "./responses.js";
import { named, route } from "./routing.js";
import { scriptOfHost } from "./store.js";
import { record } from "./usage.js";

/** @type {Record<AppEnvironment, "NAMESPACE_PREVIEW" | "NAMESPACE_STAGING" | "NAMESPACE_PRODUCTION">} */
const NAMESPACES = { preview: "NAMESPACE_PREVIEW", staging: "NAMESPACE_STAGING", production: "NAMESPACE_PRODUCTION" };

export default {
  /**
   * What is known already is not awaited: on most requests, nothing but the app is.
   *
   * @param {Request} request
   * @param {Env} env
   * @returns {Promise<Response>}
   */
  async fetch(request, env) {
    const started = Date.now();
    let target, answer;
    try {
      const found = route(request.url, env.SETTINGS);
      target = found.kind === "customer" ? await customers(found, env) : found;
      answer = target.kind === "app" ? await forApp(target, request, env) : page(ownOutcome(target), request);
    } catch (error) {
      answer = fault(error, request);
    }
    record(env, request, target, answer, Date.now() - started);
    return answer.response;
  },
};

/** @param {AppRoute} target @param {Request} request @param {Env} env @returns {Promise<Answer>} */
async function forApp(target, request, env) {
  const redirected = elsewhere(target, request, env.SETTINGS);
  if (redirected) return redirected;
  const namespace = env[NAMESPACES[target.environment]];
  if (!namespace) return page("no-app", request);
  const app = knownApp(target.appId) ?? (await readApp(target.appId, env));
  if (app.state) return page(app.state.state, request, app.state.until);
  const isProtected = env.SETTINGS.protectedEnvironments.includes(target.environment);
  const refused = isProtected ? await admission(target, request, env) : undefined;
  if (refused) return refused;
  try {
    const script = namespace.get(target.script, {}, dispatchOptions(target, app, env.SETTINGS));
    const response = await script.fetch(seenByApp(request, target));
    return { outcome: "served", response: fromApp(response, target, env.SETTINGS) };
  } catch (error) {
    const outcome = outcomeOf(error);
    if (outcome === "no-app") return page(app.declared && !target.pullRequest ? "building" : outcome, request);
    return fault(error, request, outcome, target.script);
  }
}

/** @param {CustomerRoute} route @param {Env} env */
const customers = async ({ hostname, host }, env) => named((await scriptOfHost(hostname, env)) ?? "", host);

/** @param {OwnRoute | NoRoute} target */
function ownOutcome(target) {
  if (target.kind !== "own") return target.kind === "unknown" ? "no-app" : "bad-request";
  return target.path === "/" ? "landing" : target.path === "/healthz" ? "healthy" : "no-app";
}

/**
 * What failed is told to our logs, and to the public by no more than a page.
 *
 * @param {unknown} error
 * @param {Request} request
 * @param {string} [outcome]
 * @param {string} [script]
 */
function fault(error, request, outcome = "platform-fault", script = "") {
  const answer = page(outcome, request);
  console.error(`${answer.id} ${outcome} ${script}`, error);
  return answer;
}
