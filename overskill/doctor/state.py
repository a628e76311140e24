"""Where the stack's state is kept, and what encrypts the secrets in it."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from overskill.doctor.findings import Finding, error, ok

TIMEOUT = 60
SERVICE_SCHEMES = ("http://", "https://")
REMEDY = "export PULUMI_BACKEND_URL (docs/operations.md says which), or run: pulumi login"


def check(folder: Path, settings: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Finding]:
    """`folder` is the platform project's; `settings` its stack file, which may name a secrets provider."""
    yield from (_backend(folder, environment), _secrets(settings, environment), _webhook_secret(environment))


def _backend(folder: Path, environment: Mapping[str, str]) -> Finding:
    """Asked by the engine itself, which knows every kind of backend. It lists the stacks of this one project."""
    try:
        run = subprocess.run(
            ["pulumi", "stack", "ls", "--json", "--non-interactive"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return error("state backend", f"no answer within {TIMEOUT} s", REMEDY)
    if run.returncode:
        return error("state backend", run.stderr.strip().removeprefix("error: ") or "cannot be reached", REMEDY)
    return ok("state backend", environment.get("PULUMI_BACKEND_URL") or "the one that pulumi is logged in to")


def _secrets(settings: Mapping[str, Any], environment: Mapping[str, str]) -> Finding:
    if provider := settings.get("secretsprovider"):
        return ok("secrets provider", str(provider).partition("?")[0])
    if environment.get("PULUMI_CONFIG_PASSPHRASE") or environment.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        return ok("secrets provider", "a passphrase")
    if environment.get("PULUMI_BACKEND_URL", "").startswith(SERVICE_SCHEMES):
        return ok("secrets provider", "the state's service")
    return error(
        "secrets provider",
        "there is none: the secrets in the state could not be encrypted",
        "export PULUMI_CONFIG_PASSPHRASE_FILE, or run: pulumi stack init STACK --secrets-provider=awskms://...",
    )


def _webhook_secret(environment: Mapping[str, str]) -> Finding:
    if environment.get("OVERSKILL_WEBHOOK_SECRET"):
        return ok("webhook secret", "set")
    return error("webhook secret", "OVERSKILL_WEBHOOK_SECRET is not set", "export one: openssl rand -hex 32")
