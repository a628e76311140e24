/** The bootstrap page: what a script serves until its app's first deploy. */

const escape = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export default {
  fetch(_request, env) {
    const name = escape(env.OVERSKILL_APP_NAME);
    const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${name} is being built</title>
<style>
  :root { --ink: #1c1b22; --soft: #6b6878; --paper: #faf9f7; --accent: #5b4bdb; }
  @media (prefers-color-scheme: dark) { :root { --ink: #f2f0f7; --soft: #a09cb0; --paper: #15141a; --accent: #a79bff; } }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink);
    font: 1.0625rem/1.6 system-ui, sans-serif; }
  main { max-width: 32rem; padding: 2rem; box-sizing: border-box; }
  main::before { content: ""; display: block; width: 2.5rem; height: .3rem; border-radius: 1rem; background: var(--accent);
    animation: grow 1.6s ease-in-out infinite alternate; transform-origin: left; }
  @keyframes grow { to { transform: scaleX(2.5); } }
  @media (prefers-reduced-motion: reduce) { main::before { animation: none; } }
  h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -.015em; margin: 1.25rem 0 .5rem; overflow-wrap: anywhere; }
  p { margin: 0; color: var(--soft); }
</style>
<main>
  <h1>${name} is being built</h1>
  <p>Its ${escape(env.OVERSKILL_ENVIRONMENT)} address is ready. The first deploy will appear here by itself; no need to reload by hand.</p>
</main>
<script>setTimeout(() => location.reload(), 10_000)</script>
</html>
`;
    return new Response(body, { headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store" } });
  },
};
