/** The Worker's half of the naming contract: which script a URL names. Tested over contract/names.json, as infra/names.py is. */

import { Memory } from "./memory.js";
import { RESERVED } from "./reserved.js";

const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const PULL_REQUEST = /^(.+)-pr[1-9][0-9]{0,5}$/;
const MAX_APP_ID_LENGTH = 46;
const ORIGIN = /^https?:\/\/[^/]+(?=\/)/;

/**
 * Where no path changes it, by the origin as it is in a parsed URL: parsing costs a request more than all else here.
 *
 * @type {Memory<Route>}
 */
const byOrigin = new Memory();

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
 * @param {string} url
 * @param {{ domain: string, pathHost: string }} hosts
 * @returns {Route}
 */
export function route(url, { domain, pathHost }) {
  const remembered = byOrigin.get(ORIGIN.exec(url)?.[0] ?? "");
  if (remembered) return remembered;
  const parsed = URL.parse(url);
  if (!parsed) return { kind: "unreadable" };
  const hostname = parsed.hostname.replace(/\.$/, "");
  if (hostname === domain || hostname === pathHost) {
    const name = /^\/app\/([^/]+)/.exec(parsed.pathname)?.[1];
    return name === undefined ? { kind: "own", path: parsed.pathname } : named(name, parsed.host, `/app/${name}`);
  }
  /** @type {Route} */
  const found = hostname.endsWith(`.${domain}`)
    ? named(hostname.slice(0, -domain.length - 1), parsed.host)
    : { kind: "customer", hostname, host: parsed.host };
  byOrigin.set(parsed.origin, found);
  return found;
}

/** @param {string} name @param {string} host @returns {AppRoute | NoRoute} */
export function named(name, host, prefix = "") {
  const script = parseScript(name);
  return script ? { kind: "app", script: name, ...script, host, prefix } : { kind: "unknown", name };
}
