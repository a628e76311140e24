"""Who may open a protected app environment: the key, and the tokens that it signs.

`contract/access.json` holds the table that this module and the dispatch Worker's check are both tested over.
"""

import base64
import hashlib
import hmac

import pulumi

from infra.credentials import derived, root_secret
from infra.platform_config import Previews


def access_key(root: str) -> str:
    """The key of the dispatch Worker's binding `ACCESS_KEY`, derived from the platform's webhook secret `root`."""
    return derived(root, "preview-access")


def access_token(key: str, scope: str, expires: int) -> str:
    """`1800000000.4Yk...`, good until `expires`, in Unix seconds.

    `scope` is the name of the script that a link opens, or `*`: every script, for the platform's login cookie.
    """
    signature = hmac.new(key.encode(), f"{scope}\n{expires}".encode(), hashlib.sha256).digest()
    return f"{expires}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def declared_key(previews: Previews) -> pulumi.Output[str] | None:
    """The key as a platform stack declares it: None where nothing is protected.

    Raises `pulumi.RunError` where it is needed, and `OVERSKILL_WEBHOOK_SECRET` is not in the environment.
    """
    if not previews.protect:
        return None
    return pulumi.Output.secret(access_key(root_secret("the key to its protected previews")))
