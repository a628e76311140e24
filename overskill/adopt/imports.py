"""Which existing thing each resource of a program is: beside those of `recovery`, what an interrupted run never leaves
half made, and what is taken up only because somebody asked for it."""

from collections.abc import Mapping
from typing import Any

from overskill.adopt.platform import PACKS, ordered
from overskill.recovery import FINDERS, Clouds, Finder, Inputs


def _version(clouds: Clouds, inputs: Inputs) -> str | None:
    """The newest version with the same modules and bindings of the same names: any other is another program."""
    account, worker = inputs["accountId"], inputs["workerId"]
    path = f"accounts/{account}/workers/workers/{worker}/versions"
    for listed in clouds.cloudflare(path) or []:
        version = clouds.cloudflare(f"{path}/{listed['id']}", include="modules")
        modules = {one["name"]: one["content_base64"] for one in version.get("modules") or []}
        if modules == {one["name"]: one["contentBase64"] for one in inputs["modules"]} and _bound(version) == {
            one["name"] for one in inputs["bindings"]
        }:
            return f"{account}/{worker}/{listed['id']}"
    return None


def _bound(version: Mapping[str, Any]) -> set[str]:
    return {one["name"] for one in version["bindings"]}


def _deployment(clouds: Clouds, inputs: Inputs) -> str | None:
    account, worker = inputs["accountId"], inputs["scriptName"]
    found = clouds.cloudflare(f"accounts/{account}/workers/scripts/{worker}/deployments")
    return f"{account}/{worker}/{found['deployments'][0]['id']}" if found and found["deployments"] else None


def _certificate(clouds: Clouds, inputs: Inputs) -> str | None:
    zone = inputs["zoneId"]
    packs = clouds.cloudflare(f"zones/{zone}/ssl/certificate_packs", status="all", per_page=str(PACKS)) or []
    return next((f"{zone}/{pack['id']}" for pack in ordered(packs) if {*pack["hosts"]} == {*inputs["hosts"]}), None)


def _fallback(clouds: Clouds, inputs: Inputs) -> str | None:
    zone = inputs["zoneId"]
    return zone if clouds.cloudflare(f"zones/{zone}/custom_hostnames/fallback_origin") else None


def _record(clouds: Clouds, inputs: Inputs) -> str | None:
    place = f"{inputs['accountId']}/{inputs['namespaceId']}/{inputs['keyName']}"
    namespace = f"accounts/{inputs['accountId']}/storage/kv/namespaces/{inputs['namespaceId']}"
    return place if clouds.at_cloudflare(f"{namespace}/metadata/{inputs['keyName']}") else None


def _repository(clouds: Clouds, inputs: Inputs) -> str | None:
    """By its name alone: whoever adopts says that it is the platform's."""
    return inputs["name"] if clouds.github(f"repos/{clouds.owner}/{inputs['name']}") else None


def _part(collection: str, name: str) -> Finder:
    """Something of a repository, in a `collection` of its API, with its `name` in this input."""

    def find(clouds: Clouds, inputs: Inputs) -> str | None:
        repository, part = inputs["repository"], inputs[name]
        found = clouds.github(f"repos/{clouds.owner}/{repository}/{collection}/{part}")
        return None if found is None else f"{repository}:{part}"

    return find


ADOPTED: dict[str, Finder] = {
    **FINDERS,
    "cloudflare:index/workerVersion:WorkerVersion": _version,
    "cloudflare:index/workersDeployment:WorkersDeployment": _deployment,
    "cloudflare:index/certificatePack:CertificatePack": _certificate,
    "cloudflare:index/customHostnameFallbackOrigin:CustomHostnameFallbackOrigin": _fallback,
    "cloudflare:index/workersKv:WorkersKv": _record,
    "github:index/repository:Repository": _repository,
    "github:index/actionsSecret:ActionsSecret": _part("actions/secrets", "secretName"),
    "github:index/repositoryEnvironment:RepositoryEnvironment": _part("environments", "environment"),
}
"""Scripts are none of them: their provider takes up what it finds, by its tag."""
