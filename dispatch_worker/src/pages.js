/** What the platform answers itself: a page for browsers, problem+json (RFC 9457) for everything else, never cached. */

/**
 * By outcome: status, title, what to do, and the seconds until another try makes sense.
 *
 * @type {Record<string, [number, string, string, number?]>}
 */
const PAGES = {
  landing: [200, "OverSkill apps live here", "Each app has an address of its own. Open the one that its author gave you."],
  healthy: [200, "All is well", "The dispatch Worker answers."],
  "bad-request": [400, "This address cannot be read", "Check the address, and try again."],
  private: [403, "This preview is private", "Open it by the link that its author gave you. Links end: ask for a new one."],
  suspended: [403, "This app is suspended", "If it is yours, your OverSkill account says why."],
  "no-app": [404, "No app at this address", "Check the address, or ask whoever sent it to you."],
  "over-quota": [429, "This app takes a break", "It has used what its plan allows for now. Please come back later.", 3600],
  legal: [451, "Unavailable for legal reasons", "We are not allowed to show this app."],
  "app-exception": [500, "This app failed", "It is there, but ran into an error of its own. Please try again in a moment."],
  "platform-fault": [500, "Something went wrong on our side", "The app is not to blame. Please try again in a moment.", 5],
  "app-limit": [503, "This app took too much", "Its plan allows less for one request. Please try again in a moment.", 5],
  building: [503, "This app is being built", "Its first version is on the way. This page looks again by itself.", 10],
  maintenance: [503, "Back soon", "This app is being worked on. Please come back in a few minutes.", 300],
  "no-namespace": [503, "Not available at the moment", "The place where this app lives cannot be reached for now.", 60],
};

/** @param {Request} request */
export const wantsPage = (request) => (request.headers.get("Accept") ?? "").includes("text/html");

/**
 * @param {string} outcome a key of `PAGES`
 * @param {Request} request
 * @param {string} [until] when the app is back, as ISO 8601
 * @returns {Answer & { id: string }} `id` is what the page shows, and Cloudflare's own id where there is one
 */
export function page(outcome, request, until) {
  const [status, title, text, retry] = PAGES[outcome];
  const id = request.headers.get("CF-Ray") ?? crypto.randomUUID();
  const headers = new Headers({
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Content-Type": wantsPage(request) ? "text/html; charset=utf-8" : "application/problem+json",
    Vary: "Accept",
    "X-Content-Type-Options": "nosniff",
    "X-Request-ID": id,
    "X-Robots-Tag": "noindex",
  });
  const left = Math.ceil((Date.parse(until ?? "") - Date.now()) / 1_000);
  const seconds = left > 0 ? left : retry;
  if (seconds) headers.set("Retry-After", String(seconds));
  const problem = { type: "about:blank", title, status, detail: text, code: outcome, requestId: id };
  const refresh = outcome === "building" ? `\n<meta http-equiv="refresh" content="${retry}">` : "";
  const body = wantsPage(request) ? html(title, text, id, refresh) : JSON.stringify(problem);
  return { outcome, id, response: new Response(body, { status, headers }) };
}

/** @param {string} text */
const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * @param {string} title
 * @param {string} text
 * @param {string} id may be the client's own words where no edge has set it
 * @param {string} refresh
 */
const html = (title, text, id, refresh) => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">${refresh}
<title>${title}</title>
<style>
  :root { --ink: #1c1b22; --soft: #6b6878; --paper: #faf9f7; --accent: #5b4bdb; }
  @media (prefers-color-scheme: dark) { :root { --ink: #f2f0f7; --soft: #a09cb0; --paper: #15141a; --accent: #a79bff; } }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
    font: 1.0625rem/1.6 system-ui, sans-serif; }
  main { max-width: 32rem; padding: 2rem; box-sizing: border-box; }
  main::before { content: ""; display: block; width: 2.5rem; height: .3rem; border-radius: 1rem; background: var(--accent); }
  h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -.015em; margin: 1.25rem 0 .5rem; text-wrap: balance; }
  p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
  small { display: block; margin-top: 2rem; color: var(--soft); font: .8125rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
</style>
<main>
  <h1>${title}</h1>
  <p>${text}</p>
  <small>Request ${escape(id)}</small>
</main>
</html>
`;
