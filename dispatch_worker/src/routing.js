/**
 * The Worker's half of the naming contract: which script a URL names. Tested over contract/names.json, as infra/names.py is.
 *
 * @typedef {"preview" | "staging" | "production"} AppEnvironment
 * @typedef {{ appId: string, environment: AppEnvironment }} Script
 * @typedef {Script & { kind: "app", script: string, prefix: string }} AppRoute `prefix` is the part of the path that belongs to
 *   the platform and not to the app: "" or "/app/{script}".
 * @typedef {{ kind: "unknown", name: string } | { kind: "none" }} OtherRoute "unknown": a name is there, but no script can have it.
 */

import { RESERVED } from "./reserved.js";

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const PULL_REQUEST = /^(.+)-pr[1-9][0-9]{0,5}$/;
const MAX_APP_ID_LENGTH = 46;

/**
 * The app that a script of this name is of, and the app environment whose namespace holds it; undefined if no script can
 * have the name.
 *
 * @param {string} name
 * @returns {Script | undefined}
 */
export function parseScript(name) {
  const environment = name.startsWith("preview-") ? "preview" : name.startsWith("staging-") ? "staging" : "production";
  let appId = environment === "production" ? name : name.slice(environment.length + 1);
  if (environment === "preview") appId = PULL_REQUEST.exec(appId)?.[1] ?? appId;
  const refused =
    appId.length > MAX_APP_ID_LENGTH ||
    !LABEL.test(appId) ||
    /^(preview|staging)-/.test(appId) ||
    /-pr[0-9]+$/.test(appId) ||
    RESERVED.has(appId);
  return refused ? undefined : { appId, environment };
}

/**
 * @param {URL} url
 * @param {string} domain the domain whose first-level subdomains are scripts, such as "overskill.com"
 * @returns {AppRoute | OtherRoute}
 */
export function route(url, domain) {
  const host = url.hostname.toLowerCase().replace(/\.$/, "");
  if (host.endsWith(`.${domain}`)) return named(host.slice(0, -domain.length - 1), "");
  const name = /^\/app\/([^/]+)/.exec(url.pathname)?.[1];
  return name === undefined ? { kind: "none" } : named(name, `/app/${name}`);
}

/**
 * @param {string} name
 * @param {string} prefix
 * @returns {AppRoute | OtherRoute}
 */
function named(name, prefix) {
  const script = parseScript(name);
  return script ? { kind: "app", script: name, ...script, prefix } : { kind: "unknown", name };
}
