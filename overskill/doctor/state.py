"""Where the stack's state is kept, and what encrypts the secrets in it."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.credentials import ROOT_VARIABLE
from overskill.backend import FILES, REMEDY, Backend
from overskill.doctor.findings import Finding, error, ok

TIMEOUT = 60
SERVICE_SCHEMES = ("http://", "https://")


def check(folder: Path, settings: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Finding]:
    """`folder` is the platform project's; `settings` its stack file, which may name a secrets provider."""
    try:
        backend = json.loads(_pulumi(folder, environment, "whoami", "--json", "--verbose"))["url"]
        # Who is logged in is known without the backend; its stacks, of this one project, are not.
        _pulumi(folder, environment, "stack", "ls", "--json")
    except _Refused as refused:
        yield error("state backend", str(refused), REMEDY)
        backend = environment.get("PULUMI_BACKEND_URL", "")
    else:
        yield _place(Backend(backend, folder))
    yield from (_secrets(backend, settings, environment), _webhook_secret(environment))


class _Refused(Exception):
    """The engine could not answer; the text is its own."""


def _pulumi(folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    """What the engine prints, which knows every kind of backend. Raises `_Refused`."""
    try:
        run = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _Refused(f"no answer within {TIMEOUT} s") from None
    if run.returncode:
        raise _Refused(run.stderr.strip().removeprefix("error: ") or "cannot be reached")
    return run.stdout


def _place(backend: Backend) -> Finding:
    if backend.is_relative:
        told = f"{backend.url} is another folder for each project: no app finds its platform's stack"
        return error("state backend", told, f"export PULUMI_BACKEND_URL={FILES}{backend.folder}")
    return ok("state backend", f"files in {backend.folder}" if backend.folder else backend.url)


def _secrets(backend: str, settings: Mapping[str, Any], environment: Mapping[str, str]) -> Finding:
    if provider := settings.get("secretsprovider"):
        return ok("secrets provider", str(provider).partition("?")[0])
    if environment.get("PULUMI_CONFIG_PASSPHRASE") or environment.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        return ok("secrets provider", "a passphrase")
    if backend.startswith(SERVICE_SCHEMES):
        return ok("secrets provider", "the state's service")
    return error(
        "secrets provider",
        "there is none: the secrets in the state could not be encrypted",
        "export PULUMI_CONFIG_PASSPHRASE_FILE, or run: pulumi stack init STACK --secrets-provider=awskms://...",
    )


def _webhook_secret(environment: Mapping[str, str]) -> Finding:
    if environment.get(ROOT_VARIABLE):
        return ok("webhook secret", "set")
    return error(
        "webhook secret",
        f"{ROOT_VARIABLE} is not set: each app's secret and the key to protected previews are derived from it",
        "export one: openssl rand -hex 32",
    )
