"""What an app's workflow knows, and nothing besides: one variable of the platform's and the app's own."""

import json
from collections.abc import Sequence
from typing import Any

import pulumi

from app_stacks.config import AppSecrets
from infra.names import MAX_PULL_REQUEST, AppEnvironment, Script
from infra.outputs import PlatformOutputs

AUDIENCE = "overskill-deploy"
"""Whom a workflow's identity token is for, with which it deploys through the broker."""


def pipeline_variables(
    app_id: str,
    environments: Sequence[AppEnvironment],
    platform: PlatformOutputs,
    *,
    by_broker: bool,
    cloudflare: str | None = None,
) -> dict[str, str]:
    """`OVERSKILL_APP`, for `fromJSON(vars.OVERSKILL_APP)`: GitHub counts each variable that is made, so there is one.

    `{"id", "account", "scripts": {environment: script}, "namespaces": {environment: namespace}, "urls": {environment:
    URL}, "pullRequests"?: {"script", "url"}, "domain", "dispatchDomain", "hooks", "broker"?, "audience"?,
    "cloudflare"?}`. In `pullRequests`, `{number}` stands for the pull request's; `hooks` is told of deploys. `broker`
    is what wrangler takes for Cloudflare's API, where the platform deploys; `cloudflare` is that API where the
    workflow does, if it isn't the usual one.
    """
    origins = platform.origins
    port = f":{origins.port}" if origins.port else ""
    scripts = {environment: Script(app_id=app_id, environment=environment).name for environment in environments}
    known: dict[str, Any] = {
        "id": app_id,
        "account": platform.account_id,
        "scripts": scripts,
        "namespaces": {environment: platform.namespaces[environment] for environment in environments},
        "urls": {environment: origins.url(script, platform.urls) for environment, script in scripts.items()},
        "domain": f"{origins.domain}{port}",
        "dispatchDomain": f"{origins.path_host}{port}",
        "hooks": f"{platform.api_base}/hooks/deploy",
    }
    if "preview" in environments:
        script = _of_a_pull_request(app_id)
        known["pullRequests"] = {"script": script, "url": origins.url(script, platform.urls)}
    if by_broker:
        known |= {"broker": f"{platform.api_base}/deploy", "audience": AUDIENCE}
    elif cloudflare:
        known["cloudflare"] = cloudflare
    return {"OVERSKILL_APP": json.dumps(known, separators=(",", ":"))}


def _of_a_pull_request(app_id: str) -> str:
    """`preview-abc123-pr{number}`."""
    name = Script(app_id=app_id, environment="preview", pull_request=MAX_PULL_REQUEST).name
    return f"{name.removesuffix(str(MAX_PULL_REQUEST))}{{number}}"


def pipeline_secrets(secrets: AppSecrets) -> dict[str, pulumi.Input[str]]:
    """The app's own secrets, and the token of Cloudflare's where the workflow deploys by itself."""
    token = secrets.cloudflare_token
    return {**secrets.declared, **({} if token is None else {"CLOUDFLARE_API_TOKEN": token})}
