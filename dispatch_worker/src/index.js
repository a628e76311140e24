/**
 * The dispatch Worker: one Worker that carries the traffic of all apps of a platform environment. Nothing that it answers
 * changes anything, and what fails in one app, in KV or here is never another app's failure.
 */

import { admission } from "./access.js";
import { dispatchOptions, knownApp } from "./apps.js";
import { outcomeOf } from "./failures.js";
import { page } from "./pages.js";
import { elsewhere } from "./redirects.js";
import { forApp } from "./requests.js";
import { fromApp } from "./responses.js";
import { named, route } from "./routing.js";
import { scriptOfHost } from "./store.js";
import { record } from "./usage.js";

export default {
  /**
   * @param {Request} request
   * @param {Env} env
   * @returns {Promise<Response>}
   */
  async fetch(request, env) {
    const started = Date.now();
    const answer = await answerTo(request, env).catch((error) => fault(error, request));
    record(env, request, answer, Date.now() - started);
    return answer.response;
  },
};

/**
 * @param {Request} request
 * @param {Env} env
 * @returns {Promise<Answer>}
 */
async function answerTo(request, env) {
  const url = URL.parse(request.url);
  if (!url) return page("bad-request", request);
  const target = await targetOf(url, env);
  if (target.kind === "own") return ownPage(url, request);
  if (target.kind === "unknown") return page("no-app", request);
  return { ...(await forTarget(target, request, url, env)), target };
}

/**
 * @param {AppRoute} target
 * @param {Request} request
 * @param {URL} url
 * @param {Env} env
 * @returns {Promise<Answer>}
 */
async function forTarget(target, request, url, env) {
  const redirected = elsewhere(target, request, url, env.SETTINGS);
  if (redirected) return redirected;
  const namespace = namespaceFor(target, env);
  if (!namespace) return page("no-app", request);
  const app = await knownApp(target.appId, env);
  if (app.state) return page(app.state.state, request, app.state.until);
  const refused = await admission(target, request, url, env);
  if (refused) return refused;
  try {
    const script = namespace.get(target.script, {}, dispatchOptions(target, app, env.SETTINGS));
    const response = await script.fetch(forApp(request, url, target));
    return { outcome: "served", response: fromApp(response, target, env.SETTINGS) };
  } catch (error) {
    const outcome = outcomeOf(error);
    if (outcome === "no-app") return page(app.declared && !target.pullRequest ? "building" : outcome, request);
    return fault(error, request, outcome, target.script);
  }
}

/**
 * @param {URL} url
 * @param {Env} env
 */
async function targetOf(url, env) {
  const target = route(url, env.SETTINGS);
  return target.kind === "customer" ? named((await scriptOfHost(target.host, env)) ?? "", "") : target;
}

/**
 * @param {URL} url
 * @param {Request} request
 */
function ownPage({ pathname }, request) {
  if (pathname === "/") return page("landing", request);
  return page(pathname === "/healthz" ? "healthy" : "no-app", request);
}

/**
 * @param {AppRoute} target
 * @param {Env} env
 */
function namespaceFor({ environment }, env) {
  return { preview: env.NAMESPACE_PREVIEW, staging: env.NAMESPACE_STAGING, production: env.NAMESPACE_PRODUCTION }[environment];
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
