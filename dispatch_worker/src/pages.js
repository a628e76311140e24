/** The pages that the platform itself answers with: self-contained, light and dark, never cached. */

/** @param {string} text */
const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/**
 * @param {number} status
 * @param {string} title plain text
 * @param {string} message plain text
 */
function page(status, title, message) {
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<style>
  :root { --ink: #1c1b22; --soft: #6b6878; --paper: #faf9f7; --accent: #5b4bdb; }
  @media (prefers-color-scheme: dark) { :root { --ink: #f2f0f7; --soft: #a09cb0; --paper: #15141a; --accent: #a79bff; } }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
    font: 1.0625rem/1.6 system-ui, sans-serif; }
  main { max-width: 32rem; padding: 2rem; box-sizing: border-box; }
  main::before { content: ""; display: block; width: 2.5rem; height: .3rem; border-radius: 1rem; background: var(--accent); }
  h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -.015em; margin: 1.25rem 0 .5rem; }
  p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
</style>
<main>
  <h1>${escape(title)}</h1>
  <p>${escape(message)}</p>
</main>
</html>
`;
  return new Response(body, {
    status,
    headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" },
  });
}

export const landingPage = () =>
  page(200, "OverSkill apps live here", "Each app has an address of its own. Open the one that its author gave you.");

/** @param {string} name */
export const notFoundPage = (name) =>
  page(404, "No app at this address", `There is no app called “${name}”. Check the address, or ask whoever sent it to you.`);

/** @param {string} script */
export const appFailedPage = (script) =>
  page(500, "This app failed", `“${script}” is there, but it ran into an error of its own. Please try again in a moment.`);
