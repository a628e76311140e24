"""The variables of the environment whose values are secret, and what is derived of one of them.

No program, state, page or log holds one in plain text.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping

import pulumi

ROOT_VARIABLE = "OVERSKILL_WEBHOOK_SECRET"
"""The platform's webhook secret, from which other secrets are derived: none of those has to be stored."""

SECRET_VARIABLES = (
    "CLOUDFLARE_API_KEY",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_API_USER_SERVICE_KEY",
    "GITHUB_CLIENT_SECRET",
    "GITHUB_PRIVATE_KEY",
    "GITHUB_TOKEN",
    ROOT_VARIABLE,
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
)


def root_secret(purpose: str, environment: Mapping[str, str] = os.environ) -> str:
    """The platform's webhook secret; `purpose` says what is derived from it. Raises `pulumi.RunError` without one."""
    if root := environment.get(ROOT_VARIABLE):
        return root
    raise pulumi.RunError(
        f"{ROOT_VARIABLE} is not set: export the platform's webhook secret; {purpose} is derived from it"
    )


def derived(root: str, label: str) -> str:
    """The secret that `label` names: 64 hexadecimal digits, which tell nothing of `root` or of another label's."""
    return hmac.new(root.encode(), label.encode(), hashlib.sha256).hexdigest()


def events_secret(root: str) -> str:
    """What signs the events that the builder is sent: `whsec_` and base64, as standard-webhooks has it."""
    return f"whsec_{base64.b64encode(bytes.fromhex(derived(root, 'events'))).decode()}"
