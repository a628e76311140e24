"""`overskill doctor --stack S`."""

import dataclasses
import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console

from app_stacks.cloudflare_api import base_url
from infra.config import StackConfig
from overskill.doctor import cloudflare, github, state
from overskill.doctor.api import Api
from overskill.doctor.findings import Finding, exit_code, show, warning
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

PIPE_COLUMNS = 200
"""Where there is no terminal, a finding is one line."""


def doctor(
    stack: Stack = LOCAL_STACK,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON instead of a table.")] = False,
) -> None:
    """Tell what a stack needs and whether it is there. Changes nothing; exits with 1 for errors, 3 for warnings."""
    findings = list(examine(StackContext(Project(), stack)))
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        show(findings, Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS))
    raise typer.Exit(exit_code(findings))


def examine(context: StackContext) -> Iterator[Finding]:
    """All findings, in the order of the table."""
    config, engine, credentials = context.config, context.engine, context.credentials
    api = Api(base_url=base_url(config.cloudflare.base_url), token=credentials.get("CLOUDFLARE_API_TOKEN", ""))
    yield from cloudflare.check(api, config)
    yield from github.check(str(config.github.base_url or github.OFFICIAL_URL), config, credentials)
    yield from _rollout(config)
    yield from state.check(engine.folder, context.project.stack_file(context.stack), engine.environment)


def _rollout(config: StackConfig) -> Iterator[Finding]:
    if rollout := config.overskill.rollout:
        yield warning(
            "rollout",
            f"{100 - rollout.percentage}% of the requests go to version {rollout.stable} of the dispatch Worker, "
            "with the configuration that it was made with",
            "./dev rollout 100 ends it",
        )
