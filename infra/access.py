"""Who may open a protected app environment: the key, and the tokens that it signs.

`contract/access.json` holds the table that this module and the dispatch Worker's check are both tested over.
"""

import base64
import hashlib
import hmac

from infra.credentials import derived


def access_key(root: str) -> str:
    """The key of the dispatch Worker's binding `ACCESS_KEY`, derived from the platform's webhook secret `root`."""
    return derived(root, "preview-access")


def access_token(key: str, scope: str, expires: int) -> str:
    """`1800000000.4Yk...`, good until `expires`, in Unix seconds.

    `scope` is the name of the script that a link opens, or `*`: every script, for the platform's login cookie.
    """
    signature = hmac.new(key.encode(), f"{scope}\n{expires}".encode(), hashlib.sha256).digest()
    return f"{expires}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
