"""The secrets of the local cloud's stacks; those of any other are in the user's environment."""

import os
from collections.abc import Mapping

from overskill.project import Project

LOCAL_NAMES = {
    "CLOUDFLARE_API_TOKEN": "cloudflare_token",
    "GITHUB_APP_ID": "github_app_id",
    "GITHUB_CLIENT_ID": "github_client_id",
    "GITHUB_PRIVATE_KEY": "github_private_key",
    "GITHUB_TOKEN": "github_token",
}
"""Variables of the environment, and what the local cloud calls the same in its `credentials.json`."""

LOCAL_TOKEN = "local-"  # noqa: S105 - how the local cloud's tokens begin
"""A token of the environment's is used on the local cloud only if it was made there: a real one never leaves."""


def local_credentials(project: Project, made: Mapping[str, str]) -> dict[str, str]:
    """The variables for the local cloud, whose own `credentials.json` is `made`."""
    credentials = {variable: made[name] for variable, name in LOCAL_NAMES.items() if name in made}
    for variable in ("CLOUDFLARE_API_TOKEN", "GITHUB_TOKEN"):
        if (given := os.environ.get(variable, "")).startswith(LOCAL_TOKEN):
            credentials[variable] = given
    secret = os.environ.get("OVERSKILL_WEBHOOK_SECRET") or project.secret_file("webhook-secret").read_text()
    return {**credentials, "OVERSKILL_WEBHOOK_SECRET": secret}
