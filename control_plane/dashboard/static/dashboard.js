// Whether the page is told of events, in its head; all else on it works without this file.
const live = document.getElementById("live");

const show = (state, text) => {
  if (!live || live.dataset.state === state) return;
  live.dataset.state = state;
  live.textContent = text;
};

document.body.addEventListener("htmx:sseOpen", () => show("on", "Live"));
document.body.addEventListener("htmx:sseError", () => show("off", "Reconnecting"));
document.body.addEventListener("htmx:sseClose", () => show("off", "Logged out"));

// A part with an open form is left as it is until that is closed: nothing goes from under somebody's hands.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.querySelector("details[open] form")) event.preventDefault();
});
document.body.addEventListener("toggle", ({ target }) => {
  const part = target.closest("[hx-trigger]");
  if (part && !target.open) htmx.trigger(part, part.getAttribute("hx-trigger").split(",")[0]);
}, true);
