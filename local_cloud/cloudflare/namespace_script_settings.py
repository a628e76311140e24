"""What can be changed of a namespace script without its code: settings, bindings, tags, secrets."""

from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare import code
from local_cloud.cloudflare.bindings import IN_A_NAMESPACE, shown
from local_cloud.cloudflare.dialect import now
from local_cloud.cloudflare.metadata import Runtime, Tags, Traits
from local_cloud.cloudflare.namespace_scripts import SCRIPT, script_of
from local_cloud.cloudflare.script_assets import refuse_incomplete
from local_cloud.cloudflare.secret_bindings import Secret, secret_named, secrets, with_secret, without_secret
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")


class Settings(Runtime, Traits):
    """The part `settings` of a change."""


@routes.on("GET", f"{SCRIPT}/settings")
def get_settings(call: Call) -> dict[str, Any]:
    _, script = script_of(call)
    return code.settings(script["code"], script)


@routes.on("PATCH", f"{SCRIPT}/settings")
def patch_settings(call: Call) -> dict[str, Any]:
    """What is not sent stays. Bindings are replaced as a whole; one to keep is sent as type `inherit`."""
    _, script = script_of(call)
    wanted = call.json(Settings, code.part(call, "settings"))
    changed = code.changed(call, script["code"], wanted, served=IN_A_NAMESPACE)
    refuse_incomplete(call, changed)
    script = _put(call, {**script, **wanted.kept(script), "code": changed})
    return code.settings(script["code"], script)


@routes.on("GET", f"{SCRIPT}/bindings")
def get_bindings(call: Call) -> list[dict[str, Any]]:
    return shown(script_of(call)[1]["code"]["bindings"])


@routes.on("GET", f"{SCRIPT}/tags")
def get_tags(call: Call) -> list[str]:
    return script_of(call)[1]["tags"]


@routes.on("PUT", f"{SCRIPT}/tags")
def put_tags(call: Call) -> list[str]:
    return _put(call, {**script_of(call)[1], "tags": call.json(Tags)})["tags"]


@routes.on("PUT", f"{SCRIPT}/tags/{{tag}}")
def put_tag(call: Call) -> None:
    _, script = script_of(call)
    _put(call, {**script, "tags": call.checked(Tags, [*script["tags"], call["tag"]])})


@routes.on("DELETE", f"{SCRIPT}/tags/{{tag}}")
def delete_tag(call: Call) -> None:
    """A tag that the script does not have is no error."""
    _, script = script_of(call)
    _put(call, {**script, "tags": [tag for tag in script["tags"] if tag != call["tag"]]})


@routes.on("GET", f"{SCRIPT}/secrets")
def list_secrets(call: Call) -> list[dict[str, Any]]:
    return secrets(script_of(call)[1]["code"]["bindings"])


@routes.on("PUT", f"{SCRIPT}/secrets")
def put_secret(call: Call) -> dict[str, Any]:
    sent = call.json(Secret)
    _, script = script_of(call)
    _put_bindings(call, script, with_secret(script["code"]["bindings"], sent, call.cloud.vault))
    return {"name": sent.name, "type": sent.type}


@routes.on("GET", f"{SCRIPT}/secrets/{{secret}}")
def get_secret(call: Call) -> dict[str, Any]:
    return secret_named(script_of(call)[1]["code"]["bindings"], call["secret"])


@routes.on("DELETE", f"{SCRIPT}/secrets/{{secret}}")
def delete_secret(call: Call) -> None:
    _, script = script_of(call)
    _put_bindings(call, script, without_secret(script["code"]["bindings"], call["secret"]))


def _put_bindings(call: Call, script: Document, bindings: list[Document]) -> None:
    _put(call, {**script, "code": {**script["code"], "bindings": bindings}})


def _put(call: Call, script: Document) -> Document:
    namespace_id, _ = script_of(call)
    script = {**script, "modified_on": now()}
    call.store.put("namespace_scripts", namespace_id, call["script"], script)
    return script
