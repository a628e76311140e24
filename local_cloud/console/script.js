// The page works by the calls of `/_local`: a button names its call, and what is asked before it is made.

const dialog = document.querySelector("#ask");
const problem = document.querySelector("#problem");
const rows = document.querySelector("#rows");
const POLL_MS = 2000;
const LATEST = 20;

async function call(method, path) {
  let failure;
  try {
    const answer = await fetch(`/_local/${path}`, { method });
    failure = answer.ok ? "" : (await answer.json()).error;
  } catch {
    failure = "The local cloud does not answer.";
  }
  if (!failure) {
    location.reload();
  }
  problem.textContent = failure;
  problem.hidden = !failure;
}

function confirmed(question) {
  dialog.querySelector("p").textContent = question;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

for (const button of document.querySelectorAll("button[data-path]")) {
  button.addEventListener("click", async () => {
    if (await confirmed(button.dataset.ask)) {
      await call(button.dataset.method, button.dataset.path);
    }
  });
}

document.querySelector("#take")?.addEventListener("submit", (event) => {
  event.preventDefault();
  call("POST", `snapshots/${encodeURIComponent(event.target.elements.name.value)}`);
});

async function poll() {
  const live = document.querySelector("#live");
  try {
    const newest = rows.firstElementChild?.dataset.number ?? 0;
    const answer = await fetch(`/_local/page/requests?after=${newest}`);
    live.classList.toggle("gone", !answer.ok);
    if (answer.ok) {
      rows.insertAdjacentHTML("afterbegin", await answer.text());
      while (rows.childElementCount > LATEST) {
        rows.lastElementChild.remove();
      }
    }
  } catch {
    live.classList.add("gone");
  }
}

if (rows) {
  setInterval(() => document.hidden || poll(), POLL_MS);
  document.addEventListener("visibilitychange", () => document.hidden || poll());
}
