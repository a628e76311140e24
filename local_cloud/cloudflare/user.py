"""Whose token it is: the one user that there is, member of the one account."""

from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.access import EMAIL, user_id
from local_cloud.cloudflare.dialect import Page, page
from local_cloud.routing import RouteTable

routes = RouteTable()


@routes.on("GET", "/user", permission="User Details")
def get_user(call: Call) -> dict[str, Any]:
    return {"id": user_id(call), "email": EMAIL, "suspended": False}


@routes.on("GET", "/accounts", permission="Account Settings")
def list_accounts(call: Call) -> Page:
    return page(call, [_account_shown(call)])


@routes.on("GET", "/memberships", permission="Memberships")
def list_memberships(call: Call) -> Page:
    """Its id is the user's: there is no other."""
    roles = ["Super Administrator - All Privileges"]
    return page(call, [{"id": user_id(call), "status": "accepted", "account": _account_shown(call), "roles": roles}])


def account(call: Call) -> dict[str, str]:
    """The account as what belongs to it names it."""
    return {"id": call.cloud.settings.account, "name": "local"}


def _account_shown(call: Call) -> dict[str, str]:
    return {**account(call), "type": "standard"}
