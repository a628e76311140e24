/**
 * The dispatch Worker: one Worker that carries the traffic of all apps of a platform environment.
 *
 * @typedef {{ fetch(request: Request): Promise<Response> }} Script
 * @typedef {{ limits: import("./apps.js").Limits, outbound: object }} Options
 * @typedef {{ get(name: string, args: {}, options: Options): Script }} DispatchNamespace
 * @typedef {object} Env
 * @property {{ get(key: string, type: "json"): Promise<any> }} APPS what is known of the apps, see apps.js
 * @property {string} DEFAULT_PLAN
 * @property {string} DOMAIN the domain whose first-level subdomains are scripts
 * @property {DispatchNamespace} [NAMESPACE_PREVIEW] absent where the platform has no such app environment
 * @property {DispatchNamespace} NAMESPACE_PRODUCTION
 * @property {DispatchNamespace} [NAMESPACE_STAGING]
 * @property {Record<string, import("./apps.js").Limits>} PLANS
 */

import { appRecord, dispatchOptions } from "./apps.js";
import { appFailedPage, landingPage, notFoundPage } from "./pages.js";
import { route } from "./routing.js";

export default {
  /**
   * @param {Request} request
   * @param {Env} env
   * @returns {Promise<Response>}
   */
  async fetch(request, env) {
    const url = new URL(request.url);
    const target = route(url, env.DOMAIN);
    if (target.kind === "none") return landingPage();
    if (target.kind === "unknown") return notFoundPage(target.name);
    if (url.pathname === target.prefix && target.prefix) {
      return Response.redirect(`${url.origin}${target.prefix}/${url.search}`, 308);
    }
    const namespace = namespaceFor(target.environment, env);
    if (!namespace) return notFoundPage(target.script);
    const options = dispatchOptions(target, await appRecord(target.appId, env), env);
    return dispatch(namespace, target.script, options, forApp(request, url, target.prefix));
  },
};

/**
 * @param {import("./routing.js").AppEnvironment} environment
 * @param {Env} env
 */
function namespaceFor(environment, env) {
  return { preview: env.NAMESPACE_PREVIEW, staging: env.NAMESPACE_STAGING, production: env.NAMESPACE_PRODUCTION }[environment];
}

/**
 * The request as the app is to see it: without the platform's part of the path.
 *
 * @param {Request} request
 * @param {URL} url
 * @param {string} prefix
 */
function forApp(request, url, prefix) {
  const target = new URL(url);
  target.pathname = url.pathname.slice(prefix.length);
  const forwarded = new Request(target, request);
  forwarded.headers.delete("X-Forwarded-Prefix");
  if (prefix) forwarded.headers.set("X-Forwarded-Prefix", prefix);
  return forwarded;
}

/**
 * @param {DispatchNamespace} namespace
 * @param {string} script
 * @param {Options} options
 * @param {Request} request
 */
async function dispatch(namespace, script, options, request) {
  try {
    return await namespace.get(script, {}, options).fetch(request);
  } catch (error) {
    // Cloudflare tells a missing script by this message alone.
    if (error instanceof Error && error.message.startsWith("Worker not found")) return notFoundPage(script);
    console.error(`script ${script} failed`, error);
    return appFailedPage(script);
  }
}
