"""Whether an app's address serves a bundle: asked of the address itself, as its visitors would."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from control_plane.broker.bundles import Bundles
from control_plane.provisioning import probe

VERSION_FILE = "/.well-known/overskill.json"
"""Where an app that the template's pipeline has deployed says which commit it is; no other deploy has the same."""

WITHHELD = frozenset({"private", "suspended", "over-quota", "legal", "maintenance"})
"""What the platform answers in an app's place on purpose, by the `code` of its pages."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Seen:
    """What an address came to, after so many `seconds`: None is right, else what it has instead.

    `proof` is what was compared: the bundle's own file; or that it answers, where no such file is kept of it; or that
    the platform answers in its place, so that nobody could look.
    """

    problem: str | None
    proof: str
    seconds: float


async def until_served(
    bundles: Bundles, digest: str, url: str, seconds: float, still: Callable[[], bool] = lambda: True
) -> Seen:
    """Look until `url` serves the bundle, for so many seconds at most, and while it is `still` wanted there."""
    began, pause = time.monotonic(), FIRST_PAUSE
    own = await asyncio.to_thread(_version_file, bundles, digest)
    while True:
        problem, proof = await asyncio.to_thread(_look, own, url)
        spent = time.monotonic() - began
        if problem is None or spent + pause > seconds or not await asyncio.to_thread(still):
            return Seen(problem, proof, spent)
        await asyncio.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE)


def _version_file(bundles: Bundles, digest: str) -> bytes | None:
    """That of a bundle. None: it has none, or what was uploaded was lost or damaged since."""
    try:
        own = bundles.open(digest)["assets"].get(VERSION_FILE)
        return bundles.read(own["digest"]) if own else None
    except KeyError:
        return None


def _look(own: bytes | None, url: str) -> tuple[str | None, str]:
    asked = url if own is None else f"{url.rstrip('/')}{VERSION_FILE}?{hashlib.sha256(own).hexdigest()[:16]}"
    try:
        answer = probe.answer(asked)
    except httpx.HTTPError as error:
        return f"{asked}: {str(error) or type(error).__name__}", "no answer"
    if code := withheld(answer):
        return None, f"withheld by the platform ({code})"
    if own is not None:
        same = answer.content == own[: probe.MOST]
        return (
            None if same else f"{asked}: HTTP {answer.status_code}, and not the file that was deployed"
        ), "serves its own file"
    return (
        f"{asked}: HTTP {answer.status_code}" if answer.is_server_error else None
    ), "answers, and no file says what it is"


def withheld(answer: httpx.Response) -> str | None:
    """The platform's reason, where it answers in the app's place."""
    if not answer.is_error or "problem+json" not in answer.headers.get("content-type", ""):
        return None
    try:
        code = answer.json().get("code")
    except (ValueError, AttributeError):
        return None
    return code if code in WITHHELD else None
