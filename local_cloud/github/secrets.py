"""Actions secrets: sealed by the client, really opened here, and never given back."""

from typing import Any

from local_cloud.call import Answer, Call, Strict
from local_cloud.github.actions_keys import public_key, unseal
from local_cloud.github.dialect import Created, check_name, not_found, now, page, refusal
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="secrets")

SECRETS = "/repos/{owner}/{repo}/actions/secrets"
MAX_BYTES = 48 * 1024


class SealedSecret(Strict):
    """`encrypted_value` is a libsodium sealed box in base64."""

    encrypted_value: str
    key_id: str


@routes.on("GET", f"{SECRETS}/public-key")
def get_public_key(call: Call) -> dict[str, str]:
    return public_key(call, repository_of(call))


@routes.on("GET", SECRETS)
def list_secrets(call: Call) -> Answer:
    secrets = call.store.values("actions_secrets", str(repository_of(call)["id"]))
    listed = page(call, [_shown(secret) for secret in secrets])
    return Answer(body={"total_count": len(secrets), "secrets": listed.body}, headers=listed.headers)


@routes.on("GET", f"{SECRETS}/{{name}}")
def get_secret(call: Call) -> dict[str, Any]:
    return _shown(_secret(call, repository_of(call)))


@routes.on("PUT", f"{SECRETS}/{{name}}")
def put_secret(call: Call) -> Created | None:
    """201 if it is new, 204 if it replaces one."""
    repository, name, sent = writable_repository_of(call), check_name(call["name"], "Secret"), call.json(SealedSecret)
    text = unseal(call, repository, sent.key_id, sent.encrypted_value)
    if len(text.encode()) > MAX_BYTES:
        raise refusal(422, f"Secret is larger than {MAX_BYTES} bytes.")
    scope = str(repository["id"])
    existing, at = call.store.get("actions_secrets", scope, name), now()
    created_at = existing["created_at"] if existing else at
    secret = {"name": name, "created_at": created_at, "updated_at": at, "sealed": call.cloud.vault.seal(text)}
    call.store.put("actions_secrets", scope, name, secret)
    return None if existing else Created(body={})


@routes.on("DELETE", f"{SECRETS}/{{name}}")
def delete_secret(call: Call) -> None:
    repository = writable_repository_of(call)
    call.store.delete("actions_secrets", str(repository["id"]), _secret(call, repository)["name"])


def _secret(call: Call, repository: Document) -> Document:
    secret = call.store.get("actions_secrets", str(repository["id"]), call["name"].upper())
    if not secret:
        raise not_found()
    return secret


def _shown(secret: Document) -> dict[str, Any]:
    return {key: value for key, value in secret.items() if key != "sealed"}
