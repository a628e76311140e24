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
