/** The Worker's half of the naming contract: which script a URL names. Tested over contract/names.json, as infra/names.py is. */

import { RESERVED } from "./reserved.js";

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const PULL_REQUEST = /^(.+)-pr[1-9][0-9]{0,5}$/;
const MAX_APP_ID_LENGTH = 46;

/**
 * The app that a script of this name is of, and the app environment whose namespace holds it; undefined if no script can
 * have the name.
 *
 * @param {string} name
 * @returns {ScriptName | undefined}
 */
export function parseScript(name) {
  const environment = name.startsWith("preview-") ? "preview" : name.startsWith("staging-") ? "staging" : "production";
  const rest = environment === "production" ? name : name.slice(environment.length + 1);
  const ofPullRequest = environment === "preview" ? PULL_REQUEST.exec(rest)?.[1] : undefined;
  const appId = ofPullRequest ?? rest;
  const refused =
    appId.length > MAX_APP_ID_LENGTH ||
    !LABEL.test(appId) ||
    /^(preview|staging)-/.test(appId) ||
    /-pr[0-9]+$/.test(appId) ||
    RESERVED.has(appId);
  return refused ? undefined : { appId, environment, pullRequest: ofPullRequest !== undefined };
}

/**
 * @param {URL} url
 * @param {{ domain: string, pathHost: string }} hosts
 * @returns {Route}
 */
export function route(url, { domain, pathHost }) {
  const host = url.hostname.replace(/\.$/, "");
  if (host.endsWith(`.${domain}`)) return named(host.slice(0, -domain.length - 1), "");
  if (host !== domain && host !== pathHost) return { kind: "customer", host };
  const name = /^\/app\/([^/]+)/.exec(url.pathname)?.[1];
  return name === undefined ? { kind: "own" } : named(name, `/app/${name}`);
}

/**
 * @param {string} name
 * @param {string} prefix
 * @returns {AppRoute | UnknownRoute}
 */
export function named(name, prefix) {
  const script = parseScript(name);
  return script ? { kind: "app", script: name, ...script, prefix } : { kind: "unknown", name };
}
