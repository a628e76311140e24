"""workers.dev: the account's subdomain, and whether a Worker is served there."""

import re
from typing import Any

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.account_workers import put_worker, worker_named
from local_cloud.cloudflare.dialect import refusal
from local_cloud.routing import RouteTable

routes = RouteTable(permission="Workers Scripts")

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class AccountSubdomain(Strict):
    subdomain: str


class ScriptSubdomain(Strict):
    enabled: bool
    previews_enabled: bool = False


@routes.on("GET", "/accounts/{account}/workers/subdomain")
def get_account_subdomain(call: Call) -> dict[str, str]:
    account = call.store.get("accounts", "", "own") or {}
    return {"subdomain": account["subdomain"]}


@routes.on("PUT", "/accounts/{account}/workers/subdomain")
def put_account_subdomain(call: Call) -> dict[str, str]:
    subdomain = call.json(AccountSubdomain).subdomain
    if not _LABEL.fullmatch(subdomain):
        raise refusal(400, 10032, f"workers.api.error.invalid_subdomain: {subdomain!r} is no lower-case DNS label")
    call.store.put("accounts", "", "own", {"id": call["account"], "subdomain": subdomain})
    return {"subdomain": subdomain}


@routes.on("GET", "/accounts/{account}/workers/scripts/{script}/subdomain")
def get_script_subdomain(call: Call) -> dict[str, Any]:
    return worker_named(call, call["script"])["subdomain"]


@routes.on("POST", "/accounts/{account}/workers/scripts/{script}/subdomain")
def post_script_subdomain(call: Call) -> dict[str, Any]:
    return _set(call, call.json(ScriptSubdomain))


@routes.on("DELETE", "/accounts/{account}/workers/scripts/{script}/subdomain")
def delete_script_subdomain(call: Call) -> dict[str, Any]:
    return _set(call, ScriptSubdomain(enabled=False))


def _set(call: Call, wanted: ScriptSubdomain) -> dict[str, Any]:
    worker = worker_named(call, call["script"])
    subdomain = wanted.model_dump()
    put_worker(call, {**worker, "subdomain": subdomain})
    return subdomain
