"""Who watches deploys as they happen: a client of the API's event stream, and a browser with the dashboard open."""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from chromium import Chromium

from control_plane.dashboard.pages import word

WHOLE_SECONDS = {"queued", "cancelled"}
"""What GitHub tells, and no pipeline: its times have no fractions."""

OBSERVER = """
  window.seen = {};
  const look = () => document.querySelectorAll("#deployments tbody tr").forEach(row => {
    const script = row.querySelector("[data-label=Script]").textContent.trim();
    const commit = row.querySelector("code").textContent;
    for (const phase of row.querySelectorAll(".phases li"))
      seen[[script, commit, phase.firstChild.textContent.trim()]] ??= Date.now();
  });
  new MutationObserver(look).observe(document.querySelector("#deployments"), { childList: true, subtree: true });
  look();
"""
"""When the page first showed a phase of a deploy, by the script, the beginning of the commit and the phase."""


class Watcher:
    """Reads the events of the control plane at `url` (its API's) until that ends, with when each came."""

    def __init__(self, url: str, token: str) -> None:
        self.api = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=httpx.Timeout(30)
        )
        self._came: list[tuple[dict[str, Any], float]] = []
        self._began = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()
        assert self._began.wait(30), "the stream of events does not begin"

    def _watch(self) -> None:
        with suppress(httpx.RemoteProtocolError), self.api.stream("GET", "/events") as stream:
            for line in stream.iter_lines():
                self._began.set()
                if line.startswith("data: "):
                    self._came.append((json.loads(line.removeprefix("data: ")), time.time()))

    def deploys(self, commit: str) -> list[str]:
        """What has come of the deploys of a commit, by its type."""
        return [event["type"] for event in self._events(commit=commit) if event["type"].startswith("deploy.")]

    def _events(self, **data: Any) -> list[dict[str, Any]]:
        return [event for event, _ in self._came if data.items() <= event["data"].items()]

    def until(self, type: str, seconds: float = 180, **data: Any) -> None:
        deadline = time.monotonic() + seconds
        while not any(event["type"] == type for event in self._events(**data)):
            assert time.monotonic() < deadline, (type, data, self._came)
            time.sleep(0.02)

    def deployments(self, app: str, **fields: Any) -> list[dict[str, Any]]:
        """Those of an app that have all of `fields`, as the records have them, the newest first."""
        rows = self.api.get(f"/apps/{app}/deployments").raise_for_status().json()["items"]
        return [row for row in rows if fields.items() <= row.items()]

    def waits(self) -> dict[str, float]:
        """Seconds from each phase, as whoever told it had it, to its event."""
        deploys = [(event["data"], came) for event, came in self._came if event["type"].startswith("deploy.")]
        return {
            f"{told['script']} {told['commit'][:7]} {told['status']}": came - _since(told, told["status"])
            for told, came in deploys
        }


class Dashboard:
    """The page of all deploys, open in a browser; `link` logs it in."""

    def __init__(self, browser: Chromium, link: str) -> None:
        self.browser, self._url = browser, link.partition("/login")[0]
        browser.open(link)
        self.open("/activity")
        browser.run(f"(() => {{ {OBSERVER} }})()")

    def open(self, path: str) -> None:
        self.browser.open(f"{self._url}{path}")
        self.browser.wait("document.querySelector('#live')?.dataset.state === 'on'")

    def waits(self, deployments: list[dict[str, Any]]) -> Iterator[tuple[str, float]]:
        """Seconds from each phase, as whoever told it had it, until it was on the page."""
        seen = self.browser.run("window.seen")
        for row in deployments:
            for status in row["phases"]:
                name = f"{row['script']},{row['commit'][:7]},{word(status)}"
                yield name, seen[name] / 1000 - _since(row, status)

    def screenshot(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        self.browser.screenshot(path)


def _since(deployment: dict[str, Any], status: str) -> float:
    at = dt.datetime.fromisoformat(deployment["phases"][status]).timestamp()
    return at + 1 if status in WHOLE_SECONDS else at
