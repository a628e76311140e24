"""The stand-ins' declarations against the schemas of the official plugins."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standin_declarations import RESOURCES, Declared, inputs, outputs

from local_cloud.providers import cloudflare, github
from local_cloud.providers.cloudflare.zone import GET_ZONE, ZONE

VERSION = "cloudflare:index/workerVersion:WorkerVersion"
SINCE: dict[str, set[str]] = {
    "cloudflare:index/d1Database:D1Database": {"fields"},
    "cloudflare:index/dnsRecord:DnsRecord": {"includeShadowMetadata"},
    "cloudflare:index/worker:Worker": {"force", "previewsBaseConfig"},
    "cloudflare:index/workersDeployment:WorkersDeployment": {"force"},
    "cloudflare:index/workersKv:WorkersKv": {"expiration", "expirationTtl"},
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": {"jurisdiction", "mode"},
    VERSION: {
        *("authorEmail", "authorId", "cacheOptions", "deploy", "exports", "exportsReconciliation", "include"),
        "packageDependencies",
    },
    "github:index/repository:Repository": {"description"},
}
"""Properties that the pinned SDKs have and the schemas, of an earlier version and without descriptions, have not."""

SINCE_NESTED = {
    *("identity", "issues", "mitigationTimeout", "previewUrlSuffix", "propagationPolicy", "retry", "stream", "url"),
}
"""The same within Cloudflare's nested types."""

SINCE_REQUIRED = {"accountId", "zoneId"}
"""The pinned SDK requires these; earlier ones took them from a provider's configuration."""

WITH_THE_SDK_ALONE = {
    "github:index/actionsOrganizationPermissions:ActionsOrganizationPermissions",
    "github:index/actionsOrganizationOidcSubjectClaimCustomizationTemplate:"
    "ActionsOrganizationOidcSubjectClaimCustomizationTemplate",
    "github:index/getRepository:getRepository",
}
"""What no schema here has: test_standin_sdk.py alone holds these to the official plugin."""

IN_SCHEMAS = [type_ for type_ in RESOURCES if type_ not in WITH_THE_SDK_ALONE]


def schema(package: str) -> dict[str, Any]:
    file = Path(__file__).parents[3] / "shared" / "schemas" / f"{package}.json"
    if not file.exists():
        pytest.skip(f"{file} is absent: test_standin_sdk.py compares the same with the installed SDKs")
    return json.loads(file.read_text())


def schema_inputs(
    types: dict[str, Any], properties: dict[str, Any], required: list[str], path: str = ""
) -> Iterator[tuple[str, Declared]]:
    for name, property_ in properties.items():
        kind, reference = schema_kind(property_)
        where = f"{path}{name}"
        yield where, Declared(kind=kind, required=name in required, secret=property_.get("secret", False))
        if reference:
            nested = types[reference]
            yield from schema_inputs(types, nested["properties"], nested.get("required", []), f"{where}.")


def schema_kind(property_: dict[str, Any]) -> tuple[str, str | None]:
    if "$ref" in property_:
        reference = property_["$ref"]
        return ("any", None) if reference == "pulumi.json#/Any" else ("object", reference.removeprefix("#/types/"))
    if property_["type"] == "array":
        kind, reference = schema_kind(property_["items"])
        return f"list of {kind}", reference
    if "additionalProperties" in property_:
        kind, reference = schema_kind(property_["additionalProperties"])
        return f"map of {kind}", reference
    return property_["type"], None


def without_later(type_: str, declared: dict[str, Declared]) -> dict[str, Declared]:
    later = SINCE.get(type_, set())
    nested = SINCE_NESTED if type_.startswith("cloudflare:") else set()
    return {
        path: property_
        for path, property_ in declared.items()
        if path not in later and not ("." in path and nested & set(path.split(".")[1:]))
    }


@pytest.mark.parametrize("name", sorted(WITH_THE_SDK_ALONE))
def test_what_is_held_to_the_sdk_alone_is_in_no_schema(name):
    package = schema(name.partition(":")[0])
    assert name not in package["resources"]
    assert name not in package.get("functions", {})


@pytest.mark.parametrize("type_", IN_SCHEMAS)
def test_inputs_agree(type_):
    package = schema(type_.partition(":")[0])
    resource = package["resources"][type_]
    expected = dict(schema_inputs(package["types"], resource["inputProperties"], resource.get("requiredInputs", [])))
    declared = without_later(type_, dict(inputs(RESOURCES[type_].shape)))
    unsupported = {path for path, property_ in declared.items() if property_.kind == "unsupported"}
    for path in unsupported:
        declared[path] = expected[path]
        expected = {other: p for other, p in expected.items() if not other.startswith(f"{path}.")}
    for path in SINCE_REQUIRED & declared.keys():
        expected[path] = Declared(kind="string", required=True, secret=False)
    assert declared == expected


@pytest.mark.parametrize("type_", IN_SCHEMAS)
def test_outputs_agree(type_):
    properties = schema(type_.partition(":")[0])["resources"][type_]["properties"]
    assert outputs(RESOURCES[type_].shape) - SINCE.get(type_, set()) == set(properties)


@pytest.mark.parametrize("type_", [type_ for type_ in IN_SCHEMAS if type_.startswith("github:")])
def test_what_replaces_agrees(type_):
    properties = schema("github")["resources"][type_]["inputProperties"]
    replacing = {name for name, property_ in properties.items() if property_.get("willReplaceOnChanges")}
    assert {name for name, declared in RESOURCES[type_].shape if declared.replaces} == replacing


def test_cloudflares_schema_says_nothing_of_replacement():
    """What replaces there is in Terraform's schemas alone, and in the tests of the stand-in's diffs."""
    resources = schema("cloudflare")["resources"].values()
    assert not any("willReplaceOnChanges" in p for resource in resources for p in resource["inputProperties"].values())


@pytest.mark.parametrize("name", ["cloudflare", "github"])
def test_configuration_agrees(name):
    package = {"cloudflare": cloudflare, "github": github}[name].PACKAGE
    variables = schema(name)["config"]["variables"]
    assert {key for key, _ in package.configuration} == set(variables)
    secret = {key for key, variable in variables.items() if variable.get("secret")}
    assert {key for key, declared in package.configuration if declared.secret} == {
        key for key in secret if package.configuration[key].supported
    }


def test_get_zone_agrees():
    package = schema("cloudflare")
    function = package["functions"][GET_ZONE.name]
    expected = dict(schema_inputs(package["types"], function["inputs"]["properties"], []))
    declared = dict(inputs(GET_ZONE.arguments))
    # The official plugin was seen to take a filter without it; what isn't supported came with a later version.
    expected["filter.match"] = Declared(kind="string", required=False, secret=False)
    assert {path: p for path, p in declared.items() if p.kind != "unsupported"} == expected
    assert outputs(ZONE) | outputs(GET_ZONE.arguments) == set(function["outputs"]["properties"])
