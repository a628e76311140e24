"""Scripts in a dispatch namespace: upload, list, read, delete."""

from typing import Any

from local_cloud.call import Answer, Call, Strict
from local_cloud.cloudflare import code, modules
from local_cloud.cloudflare.bindings import IN_A_NAMESPACE
from local_cloud.cloudflare.dialect import Page, invalid, new_id, now, refusal
from local_cloud.cloudflare.metadata import ScriptMetadata
from local_cloud.cloudflare.namespaces import namespace_of
from local_cloud.cloudflare.script_assets import with_assets
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")

MAX_PAGE = 1000
SCRIPTS = "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts"
SCRIPT = f"{SCRIPTS}/{{script}}"


class ContentMetadata(Strict):
    """The part `metadata` of an upload of modules alone."""

    main_module: str


@routes.on("GET", SCRIPTS)
def list_scripts(call: Call) -> Page:
    """Sorted by name. `tags=a:yes,b:no` filters, `limit` (1,000 at most) and `cursor` page."""
    call.filters("tags", "limit", "cursor")
    limit, cursor = call.number("limit", MAX_PAGE, MAX_PAGE), call.query.get("cursor", "")
    wanted = _tag_filter(call)
    namespace_id = namespace_of(call)["namespace_id"]
    found: list[Document] = []
    for name, script in call.store.items("namespace_scripts", namespace_id, after=cursor):
        if len(found) == limit:
            return Page(result=found, info={"count": limit, "cursor": found[-1]["id"]})
        if _has_tags(script, wanted):
            found.append(_shown(name, script))
    return Page(result=found, info={"count": len(found), "cursor": ""})


@routes.on("DELETE", SCRIPTS)
def delete_scripts(call: Call) -> None:
    """Delete every script that has the tags of `tags=a:yes,b:no`; without the filter it is refused."""
    call.filters("tags")
    wanted = _tag_filter(call)
    if not wanted:
        raise invalid("tags: a bulk delete needs a filter such as tags=app-abc:yes")
    namespace_id = namespace_of(call)["namespace_id"]
    for name, script in list(call.store.items("namespace_scripts", namespace_id)):
        if _has_tags(script, wanted):
            call.store.delete("namespace_scripts", namespace_id, name)


@routes.on("PUT", SCRIPT)
def put_script(call: Call) -> dict[str, Any]:
    """Make or replace a script. Of what was uploaded before, `keep_bindings` and `keep_assets` keep something."""
    namespace_id, name = namespace_of(call)["namespace_id"], call["script"]
    code.check_name(name)
    previous = call.store.get("namespace_scripts", namespace_id, name)
    metadata, files = code.uploaded(call, ScriptMetadata)
    kept_from = previous["code"] if previous else None
    built = code.build(call, metadata, files, kept_from, served=IN_A_NAMESPACE)
    built = with_assets(call, built, metadata, kept_from)
    at = now()
    script = {
        "tag": previous["tag"] if previous else new_id(),
        "created_on": previous["created_on"] if previous else at,
        "modified_on": at,
        "deployment_id": new_id(),
        **metadata.kept(),
        "code": built,
    }
    call.store.put("namespace_scripts", namespace_id, name, script)
    return _shown(name, script)


@routes.on("GET", SCRIPT)
def get_script(call: Call) -> dict[str, Any]:
    _, script = script_of(call)
    dates = {key: script[key] for key in ("created_on", "modified_on")}
    return {**dates, "dispatch_namespace": call["namespace"], "script": _shown(call["script"], script)}


@routes.on("DELETE", SCRIPT)
def delete_script(call: Call) -> None:
    namespace_id, _ = script_of(call)
    call.store.delete("namespace_scripts", namespace_id, call["script"])


@routes.on("GET", f"{SCRIPT}/content")
def get_content(call: Call) -> Answer:
    return code.content(call, script_of(call)[1]["code"])


@routes.on("PUT", f"{SCRIPT}/content")
def put_content(call: Call) -> dict[str, Any]:
    """Replace the modules, and nothing else."""
    namespace_id, script = script_of(call)
    main_module = call.json(ContentMetadata, code.part(call, "metadata")).main_module
    kept = modules.keep(call.store, main_module, modules.from_parts(call.form))
    script = {**script, "modified_on": now(), "code": {**script["code"], "main_module": main_module, "modules": kept}}
    call.store.put("namespace_scripts", namespace_id, call["script"], script)
    return _shown(call["script"], script)


def script_of(call: Call) -> tuple[str, Document]:
    """The id of the namespace and the script in the call's path. Refused with 10092 if there is no such script."""
    namespace_id = namespace_of(call)["namespace_id"]
    script = call.store.get("namespace_scripts", namespace_id, call["script"])
    if not script:
        raise refusal(404, 10092, "workers.api.error.script_not_found: not in this dispatch namespace")
    return namespace_id, script


def _shown(name: str, script: Document) -> dict[str, Any]:
    names = ("tag", "created_on", "modified_on", "deployment_id")
    return {"id": name, **{key: script[key] for key in names}, **code.summary(script["code"], script)}


def _tag_filter(call: Call) -> dict[str, bool]:
    """`tags=a:yes,b:no` as `{"a": True, "b": False}`."""
    wanted = {}
    for term in filter(None, call.query.get("tags", "").split(",")):
        tag, _, answer = term.rpartition(":")
        if not tag or answer not in {"yes", "no"}:
            raise invalid(f"tags: {term!r} must be a tag with :yes or :no")
        wanted[tag] = answer == "yes"
    return wanted


def _has_tags(script: Document, wanted: dict[str, bool]) -> bool:
    return all((tag in script["tags"]) == expected for tag, expected in wanted.items())
