"""Whether a platform serves: an app is made on it by the app program, and asked for through the dispatch Worker."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from control_plane.provisioning import probe
from infra.names import Script, smoke_app
from overskill import app_stack_file
from overskill.app_builder import EngineBuilder
from overskill.errors import CommandError
from overskill.progress import step
from overskill.stack_context import StackContext

SECONDS = 120
"""A new address of workers.dev takes a minute at Cloudflare, seldom longer."""
KNOWN_SECONDS = 20
"""Where there has been a dispatch Worker before: as long as its new version fails, every app does."""


@dataclass(frozen=True)
class Probe:
    """An address, what leads there, and the status that it has to answer with."""

    title: str
    url: str
    expected: int = httpx.codes.OK


def test(context: StackContext, seconds: float = SECONDS) -> list[Probe]:
    """Make the app, or bring it to what this checkout says, and ask for it; returns what has answered.

    Raises `CommandError` with every address that does not answer as it should within `seconds`.
    """
    app_id = app_of(context)
    options: dict[str, object] = {"displayName": f"Smoke test of {context.stack}"}
    with step(f"App {app_id}: pulumi up"):
        builder(context).create(app_id, options)
    asked = list(probes(context))
    with step(f"App {app_id}: {len(asked)} probes"):
        if failures := _unanswered(asked, seconds):
            told = "\n".join(failures)
            raise CommandError(f"the dispatch Worker of {context.stack} does not answer as it should:\n{told}")
    return asked


def app_of(context: StackContext) -> str:
    """The id of the app that a platform is tried with."""
    return smoke_app(context.config.overskill.prefix, context.config.overskill.platform_environment)


def builder(context: StackContext) -> EngineBuilder:
    """What makes the app and takes it away, by the app program of this checkout, whichever made it before."""
    file = context.project.app_stack_file(f"{context.stack}.{app_of(context)}")
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        app_stack_file.write(file, {})
    return EngineBuilder(context.project, context.stack)


def probes(context: StackContext) -> Iterator[Probe]:
    """The app in each environment that anybody may open, by each kind of address that works there; one of no app."""
    platform, app_id = context.config.overskill, app_of(context)
    for environment in reversed(platform.app_environments):
        if environment in platform.previews.protect:
            continue
        script = Script(app_id=app_id, environment=environment).name
        if platform.urls == "subdomain":
            yield Probe(environment, platform.origins.subdomain_url(script))
        yield Probe(f"{environment}, by path", platform.origins.path_url(script))
    yield Probe("an app that there is not", platform.origins.path_url(f"{app_id}-absent"), httpx.codes.NOT_FOUND)


def _unanswered(asked: list[Probe], seconds: float) -> list[str]:
    deadline = time.monotonic() + seconds
    while failures := [told for each in asked if (told := _failure(each))]:
        if time.monotonic() > deadline:
            return failures
        time.sleep(2)
    return []


def _failure(asked: Probe) -> str | None:
    try:
        status = probe.answer(asked.url).status_code
    except httpx.HTTPError as error:
        return f"  {asked.url} ({asked.title}): {str(error) or type(error).__name__}"
    return None if status == asked.expected else f"  {asked.url} ({asked.title}): {status}, not {asked.expected}"
