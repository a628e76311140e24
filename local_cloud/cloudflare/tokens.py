"""The token that a call is made with."""

import hashlib
from typing import Any

from local_cloud.call import Call
from local_cloud.routing import RouteTable

routes = RouteTable()


@routes.on("GET", "/user/tokens/verify")
@routes.on("GET", "/accounts/{account}/tokens/verify")
def verify(call: Call) -> dict[str, Any]:
    """Only a valid token gets here."""
    token = call.cloud.credentials.cloudflare_token
    return {"id": hashlib.sha256(token.encode()).hexdigest()[:32], "status": "active"}


def owner(call: Call) -> str:
    """Who makes a call, for `created_by` and the like: an id of 32 hexadecimal digits."""
    return hashlib.sha256(call.cloud.settings.account.encode()).hexdigest()[:32]
