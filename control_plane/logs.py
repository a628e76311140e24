"""What the control plane writes down of itself: a JSON object a line, in which no secret is."""

import datetime as dt
import json
import logging
import re
import sys
from contextvars import ContextVar

from pydantic import SecretStr

from control_plane.settings import Settings

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Of the request that is being answered; the answer has it as `X-Request-Id`."""

MASK = "[secret]"

FORMS = re.compile(
    r"""
    (?<=://)[^/\s:@]*:[^/\s@]+(?=@)              # the user and password of a URL
    | (?<=bearer\ )[\w.~+/=-]+ | (?<=token\ )[\w.~+/=-]{16,}
    | \bosk_[\w-]+ | \bgh[a-z]_\w+ | \bgithub_pat_\w+
    | \beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?           # JSON web tokens
    | (?<=sha256=)[0-9a-f]{64} | \bv1,[\w+/]{40,}={0,2}  # signatures of webhooks
    | (?<=/login/)[\w-]+
    | (?<=authorization:\ )[^\r\n]+ | (?<=cookie:\ )[^\r\n]+
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What is secret by its form, whoever wrote it into a text."""

OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has; what else there is was given as `extra`."""


class Redaction:
    """Takes out of a text what is secret by its form, and the credentials of `settings` wherever they stand."""

    def __init__(self, settings: Settings) -> None:
        values = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
        known = sorted(filter(None, values), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        return FORMS.sub(MASK, self._known.sub(MASK, text) if self._known else text)


class JsonLines(logging.Formatter):
    def __init__(self, redaction: Redaction) -> None:
        super().__init__()
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in OWN}
        if identity := REQUEST_ID.get():
            line["request"] = identity
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        # A text is looked through before JSON escapes in it what a secret is known by.
        return json.dumps(_each_text(line, self._redaction), ensure_ascii=False, default=str)


def configure(settings: Settings) -> None:
    """Have every logger of the process write to the standard error. uvicorn's own list of requests is left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(Redaction(settings)))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in ("uvicorn", "uvicorn.error"):
        logging.getLogger(name).handlers.clear()
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _each_text(value: object, redaction: Redaction) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case dict():
            return {str(key): _each_text(part, redaction) for key, part in value.items()}
        case list() | tuple():
            return [_each_text(part, redaction) for part in value]
        case _:
            return redaction(str(value))
