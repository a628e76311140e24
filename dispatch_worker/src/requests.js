/** A request as the app is to see it. */

/** But for what Cloudflare's edge sets for every request, whatever the client has sent. */
const CLAIMS =
  /^(?:cf-(?!(?:connecting-ip|ipcountry|ray)$)|x-forwarded-(?!proto$)|x-overskill-|(?:forwarded|x-real-ip|true-client-ip)$)/;
const HOP_BY_HOP = /^(?:connection|keep-alive|proxy-.+|te|trailer|transfer-encoding|upgrade)$/;
const OWN_COOKIE = /^\s*overskill-(?:access|login)=/;

/**
 * Without the platform's part of the path, and without what only the platform may say: an app can believe these headers.
 * Whoever holds a cookie of ours could open other apps' previews, so no app sees one.
 *
 * @param {Request} request
 * @param {AppRoute} target
 * @returns {Request}
 */
export function seenByApp(request, { appId, host, prefix }) {
  const forwarded = prefix ? new Request(inside(request.url, prefix), request) : new Request(request);
  const { headers } = forwarded;
  // One pass: each single look at a header costs a request as much as several of the lines here.
  /** @type {Record<string, string>} */
  const sent = {};
  request.headers.forEach((value, name) => {
    sent[name] = value;
    if (CLAIMS.test(name) || HOP_BY_HOP.test(name)) headers.delete(name);
  });
  for (const name of sent.connection?.toLowerCase().split(/\s*,\s*/) ?? []) if (name in sent) headers.delete(name);
  if (sent.upgrade?.toLowerCase() === "websocket") headers.set("Upgrade", sent.upgrade);
  if (sent.cookie?.includes("overskill-")) withoutOwnCookies(headers, sent.cookie);
  if (sent["cf-connecting-ip"]) headers.set("X-Forwarded-For", sent["cf-connecting-ip"]);
  if (prefix) headers.set("X-Forwarded-Prefix", prefix);
  headers.set("X-Forwarded-Host", host);
  headers.set("X-OverSkill-App", appId);
  return forwarded;
}

/** @param {string} url @param {string} prefix */
function inside(url, prefix) {
  const place = new URL(url);
  place.pathname = place.pathname.slice(prefix.length);
  return place;
}

/** @param {Headers} headers @param {string} cookies */
function withoutOwnCookies(headers, cookies) {
  const others = cookies.split(";").filter((cookie) => !OWN_COOKIE.test(cookie));
  if (others.length > 0) headers.set("Cookie", others.join(";").trim());
  else headers.delete("Cookie");
}
