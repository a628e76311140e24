"""What an app's workflow knows, and nothing besides: one variable of the platform's and the app's own."""

import json
from collections.abc import Sequence
from typing import Any

import pulumi

from app_stacks.config import AppSecrets
from infra.names import AppEnvironment, Script
from infra.outputs import PlatformOutputs


def pipeline_variables(
    app_id: str, environments: Sequence[AppEnvironment], platform: PlatformOutputs, *, by_broker: bool
) -> dict[str, str]:
    """`OVERSKILL_APP`, for `fromJSON(vars.OVERSKILL_APP)`: GitHub counts each variable that is made, so there is one.

    `{"id", "account", "scripts": {environment: script}, "namespaces": {environment: namespace}, "domain",
    "dispatchDomain", "broker"?}`; `broker` is what wrangler takes for Cloudflare's API, where the platform deploys.
    """
    port = f":{platform.origins.port}" if platform.origins.port else ""
    known: dict[str, Any] = {
        "id": app_id,
        "account": platform.account_id,
        "scripts": {environment: Script(app_id=app_id, environment=environment).name for environment in environments},
        "namespaces": {environment: platform.namespaces[environment] for environment in environments},
        "domain": f"{platform.origins.domain}{port}",
        "dispatchDomain": f"{platform.origins.worker}.{platform.origins.workers_dev}{port}",
    }
    if by_broker:
        known["broker"] = f"{platform.api_base}/deploy"
    return {"OVERSKILL_APP": json.dumps(known, separators=(",", ":"))}


def pipeline_secrets(secrets: AppSecrets) -> dict[str, pulumi.Input[str]]:
    """The app's own secrets, and the token of Cloudflare's where the workflow deploys by itself."""
    token = secrets.cloudflare_token
    return {**secrets.declared, **({} if token is None else {"CLOUDFLARE_API_TOKEN": token})}
