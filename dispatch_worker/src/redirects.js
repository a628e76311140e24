/** Requests that are answered by leading on. */

/**
 * From a path URL without its slash, and, where the platform wants it, from the path URL of a production app. What a page
 * loads stays: a module script must not be led to another origin.
 *
 * @param {AppRoute} target
 * @param {Request} request
 * @param {Settings} settings
 * @returns {Answer | undefined}
 */
export function elsewhere({ script, environment, prefix }, request, { domain, redirectPaths }) {
  if (!prefix) return undefined;
  const place = new URL(request.url);
  if (place.pathname === prefix) {
    place.pathname = `${prefix}/`;
    return redirect(place, 308);
  }
  const visit = request.method === "GET" && (request.headers.get("Sec-Fetch-Dest") ?? "document") === "document";
  if (!redirectPaths || environment !== "production" || !visit) return undefined;
  if (place.searchParams.get("overskill-path") === "1") return undefined;
  place.hostname = `${script}.${domain}`;
  place.pathname = place.pathname.slice(prefix.length);
  return redirect(place, 302);
}

/**
 * @param {URL} place
 * @param {number} status
 * @param {string} [cookie]
 * @returns {Answer}
 */
export function redirect(place, status, cookie) {
  const headers = new Headers({ Location: place.href, "Cache-Control": "no-store" });
  if (cookie) headers.set("Set-Cookie", cookie);
  return { outcome: "redirected", response: new Response(null, { status, headers }) };
}
