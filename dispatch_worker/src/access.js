/**
 * Who may see an app environment that isn't open to everybody: the holder of a signed link, which becomes a cookie of that
 * script, or of the platform's login cookie. A token is `{expiry}.{signature}`; contract/access.json has examples.
 */

import { page, wantsPage } from "./pages.js";
import { redirect } from "./redirects.js";

const LINK = "overskill-access";
const LOGIN = "overskill-login";

/**
 * What is answered in the app's place; undefined for whoever may see it.
 *
 * @param {AppRoute} target
 * @param {Request} request
 * @param {Env} env
 * @returns {Promise<Answer | undefined>}
 */
export async function admission({ script, prefix }, request, { ACCESS_KEY: key = "", SETTINGS }) {
  const url = new URL(request.url);
  const link = url.searchParams.get(LINK);
  if (link && (await valid(link, script, key))) {
    const place = new URL(url);
    place.search = url.search.replace(/(?<=[?&])overskill-access=[^&]*&?/, "").replace(/[?&]$/, "");
    const secure = url.protocol === "https:" ? "; Secure" : "";
    const seconds = Math.floor(Number.parseInt(link, 10) - Date.now() / 1_000);
    return redirect(place, 302, `${LINK}=${link}; Path=${prefix}/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`);
  }
  const cookies = request.headers.get("Cookie") ?? "";
  for (const [name, scope] of [[LINK, script], [LOGIN, "*"]]) {
    for (const token of valuesOf(cookies, name)) if (await valid(token, scope, key)) return undefined;
  }
  if (!SETTINGS.loginUrl || request.method !== "GET" || !wantsPage(request)) return page("private", request);
  const login = new URL(SETTINGS.loginUrl);
  login.searchParams.set("return_to", url.href);
  return redirect(login, 302);
}

/**
 * All of that name: another app may have set one for the parent domain.
 *
 * @param {string} cookies
 * @param {string} name
 */
function valuesOf(cookies, name) {
  return cookies
    .split(";")
    .map((cookie) => cookie.trim())
    .filter((cookie) => cookie.startsWith(`${name}=`))
    .map((cookie) => cookie.slice(name.length + 1));
}

/**
 * @param {string} token
 * @param {string} scope the script, or `*` for all
 * @param {string} key
 */
async function valid(token, scope, key) {
  const [, expiry, signature] = /^([0-9]{1,12})\.([\w-]{43})$/.exec(token) ?? [];
  if (!key || !signature || Number(expiry) * 1_000 <= Date.now()) return false;
  const text = new TextEncoder();
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", text.encode(key), hmac, false, ["verify"]);
  const bytes = Uint8Array.from(atob(signature.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
  // `verify` compares in constant time.
  return crypto.subtle.verify(hmac, imported, bytes, text.encode(`${scope}\n${expiry}`));
}
