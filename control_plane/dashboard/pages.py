"""How pages are rendered."""

import datetime as dt
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

from control_plane.dashboard import views
from control_plane.dashboard.session import Operator
from control_plane.deployments import ENDS

MEANINGS = {
    "queued": "waiting",
    "building": "working",
    "built": "working",
    "uploaded": "working",
    "running": "working",
    "cancelling": "working",
    "succeeded": "good",
    "ready": "good",
    "active": "good",
    "ok": "good",
    "failed": "bad",
    "refused": "bad",
    "cancelled": "quiet",
    "destroyed": "quiet",
}
"""What a word says to who looks at it, as a class of `style.css`; any other one is a warning."""

WORDS = {"succeeded": "live", "uploaded": "going live"}


def render(name: str, operator: Operator | None, status: int = 200, **content: Any) -> HTMLResponse:
    """The page of the template `name`."""
    return HTMLResponse(page(name, operator=operator, **content), status)


def page(name: str, **content: Any) -> str:
    return _templates.get_template(name).render(**content)


def message(status: int, title: str, text: str, operator: Operator | None = None) -> HTMLResponse:
    return render("message.html", operator, status, title=title, text=text)


def _meaning(word: str) -> str:
    return MEANINGS.get(word, "warning")


def word(status: str) -> str:
    """What people read for a status, a state, or how an event calls a change."""
    return WORDS.get(status, status.replace("-", " "))


def _instant(value: dt.datetime | str) -> str:
    """To the second, in UTC: `24 Nov 2026, 20:31:07`."""
    at = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at.astimezone(dt.UTC):%-d %b %Y, %H:%M:%S}"


def _machine(value: dt.datetime | str) -> str:
    return value if isinstance(value, str) else value.isoformat(timespec="milliseconds")


def _span(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("control_plane.dashboard"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"meaning": _meaning, "word": word, "instant": _instant, "machine": _machine, "span": _span}
_templates.globals |= {"ENDS": ENDS, "views": views}
