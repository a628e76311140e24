"""`overskill doctor --stack S`."""

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from rich.console import Console

from infra.config import StackConfig
from overskill.doctor import cloudflare, github, state
from overskill.doctor.api import Api
from overskill.doctor.findings import Finding, exit_code, show
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext


def doctor(
    stack: Annotated[str, typer.Option(help="The platform stack.")] = LOCAL_STACK,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON instead of a table.")] = False,
) -> None:
    """Tell what a stack needs and whether it is there. Changes nothing; exits with 1 for errors, 3 for warnings."""
    context = StackContext.of(Project(), stack)
    findings = list(examine(context.config, context.credentials, context))
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        show(findings, Console(highlight=False))
    raise typer.Exit(exit_code(findings))


def examine(config: StackConfig, credentials: Mapping[str, str], context: StackContext) -> Iterator[Finding]:
    """All findings, in the order of the table."""
    base_url = str(config.cloudflare.base_url or os.environ.get("CLOUDFLARE_BASE_URL") or cloudflare.OFFICIAL_URL)
    yield from cloudflare.check(Api(base_url=base_url, token=credentials.get("CLOUDFLARE_API_TOKEN", "")), config)
    yield from github.check(str(config.github.base_url or github.OFFICIAL_URL), config, credentials)
    yield from state.check(context.project.root, context.settings, context.environment)
