/** An app's response as the public is to see it. Redirects and bodies are its own; what would bind all of a shared origin is not. */

const WHOLE_ORIGIN = ["Clear-Site-Data", "NEL", "Report-To", "Service-Worker-Allowed"];
const DOMAIN = /;\s*domain\s*=\s*"?\.?([^;"\s]*)"?\s*(?=;|$)/gi;

/**
 * @param {Response} response
 * @param {AppRoute} target
 * @param {Settings} settings
 * @returns {Response}
 */
export function fromApp(response, { environment, prefix }, { domain, parentCookies }) {
  const hidden = environment !== "production";
  const cookies = parentCookies === "drop" ? response.headers.getSetCookie() : [];
  const shared = cookies.some((cookie) => cookie.search(DOMAIN) >= 0);
  if (!(hidden || shared || prefix) || response.webSocket) return response;
  const changed = new Response(response.body, response);
  if (hidden) changed.headers.set("X-Robots-Tag", "noindex");
  for (const name of prefix ? WHOLE_ORIGIN : []) changed.headers.delete(name);
  if (shared) {
    changed.headers.delete("Set-Cookie");
    for (const cookie of cookies) changed.headers.append("Set-Cookie", hostOnly(cookie, domain));
  }
  return changed;
}

/**
 * A cookie without its `Domain` where that names the parent of all apps, or one of the parent's own.
 *
 * @param {string} cookie
 * @param {string} domain
 */
function hostOnly(cookie, domain) {
  return cookie.replace(DOMAIN, (attribute, /** @type {string} */ named) => {
    const parent = named.toLowerCase();
    return domain === parent || domain.endsWith(`.${parent}`) ? "" : attribute;
  });
}
