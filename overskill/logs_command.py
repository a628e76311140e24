"""`overskill logs NAME`: what an app has written to its console, and its exceptions."""

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from app_stacks.cloudflare_api import CloudflareApi
from infra.names import AppEnvironment, Script
from overskill.known_apps import require_app
from overskill.local_api import ask
from overskill.options import LocalStack
from overskill.project import LOCAL_STACK, Project
from overskill.session import Session

POLL_SECONDS = 0.5
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
STYLES = {"debug": "dim", "warn": "yellow", "error": "red", "exception": "bold red"}


def logs(  # noqa: PLR0913 - an option each
    name: Annotated[str, typer.Argument(help="The app id.")],
    *,
    environment: Annotated[AppEnvironment, typer.Option(help="The app environment.")] = "production",
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print each entry as a line of JSON.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many of the newest.")] = 100,
    stack: LocalStack = LOCAL_STACK,
) -> None:
    """Show what an app has written to its console, and its exceptions, oldest first."""
    session = Session(Project(), stack=stack)
    session.cloud.require()
    config = session.config
    with CloudflareApi(session.credentials["CLOUDFLARE_API_TOKEN"], str(config.cloudflare.base_url)) as api:
        require_app(api, config.overskill, name, [environment])
    namespace, script = config.overskill.namespaces[environment], Script(app_id=name, environment=environment).name
    console = Console(highlight=False, soft_wrap=True)
    try:
        for entry in entries(session, namespace, script, limit, follow=follow):
            if as_json:
                print(json.dumps(entry), flush=True)
            else:
                console.print(rendered(entry))
    except KeyboardInterrupt:
        return


def rendered(entry: dict[str, Any]) -> Text:
    """Time, level and message in a line; below it, indented, the stack and what was asked."""
    at = datetime.fromtimestamp(entry["timestamp_ms"] / 1000).strftime("%H:%M:%S.%f")[:-3]
    level = entry["level"]
    text = Text(f"{at}  ", style="dim").append(f"{level:<9}", style=STYLES.get(level, "none"))
    text = Text.assemble(text, "  ", Text(_indented(entry["message"])))
    details = [entry.get("stack", "")]
    if request := entry.get("request"):
        details.append(f"{request['method']} {request['url']} ({entry['outcome']})")
    for detail in filter(None, details):
        text.append("\n    " + _indented(detail), style="dim")
    return text


def _indented(lines: str) -> str:
    """An app's own text can't move the cursor or change the terminal: its control characters are shown as codes."""
    shown = CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", lines.rstrip("\n"))
    return shown.replace("\n", "\n    ")


def entries(session: Session, namespace: str, script: str, limit: int, *, follow: bool) -> Iterator[dict[str, Any]]:
    asked = {"namespace": namespace, "script": script}
    found = ask(session.cloud, "GET", "logs", params={**asked, "limit": limit})["entries"]
    yield from found
    after = ""
    while follow:
        time.sleep(POLL_SECONDS)
        after = found[-1]["key"] if found else after
        found = ask(session.cloud, "GET", "logs", params={**asked, "after": after})["entries"]
        yield from found
