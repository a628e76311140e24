"""The stand-ins' declarations against the classes of the installed SDKs."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi_cloudflare
import pulumi_github
import pytest
from pulumi._types import _py_properties, input_type_py_to_pulumi_names
from standin_declarations import RESOURCES, Declared, inputs, outputs

from local_cloud.providers import cloudflare, github
from local_cloud.providers.cloudflare.zone import GET_ZONE
from local_cloud.providers.github.repository_function import GET_REPOSITORY, REPOSITORY

SDKS = {"cloudflare": pulumi_cloudflare, "github": pulumi_github}
PACKAGES = {"cloudflare": cloudflare.PACKAGE, "github": github.PACKAGE}
SCALARS = {"bool": "boolean", "str": "string", "int": "integer", "float": "number"}


def sdk_inputs(sdk: Any, arguments: type, path: str = "") -> Iterator[tuple[str, Declared]]:
    """The inputs that a class of arguments takes; an SDK does not tell which of them are secret."""
    parameters = inspect.signature(arguments.__init__).parameters
    for attribute, name in input_type_py_to_pulumi_names(arguments).items():
        parameter = parameters[attribute]
        annotation = str(parameter.annotation)
        nested = re.search(r"ForwardRef\('(\w+Args)'\)", annotation)
        scalar = re.search(r"\b(bool|str|int|float)\b", annotation.replace("Mapping[str,", "Mapping["))
        kind = "object" if nested else SCALARS[scalar[1]] if scalar else "any"
        wrapper = "list of " if "Sequence[" in annotation else "map of " if "Mapping[" in annotation else ""
        required = parameter.default is inspect.Parameter.empty
        yield f"{path}{name}", Declared(kind=wrapper + kind, required=required, secret=False)
        if nested:
            yield from sdk_inputs(sdk, getattr(sdk, nested[1]), f"{path}{name}.")


def sdk_class(type_: str) -> tuple[Any, type]:
    sdk = SDKS[type_.partition(":")[0]]
    return sdk, getattr(sdk, type_.rpartition(":")[2])


@pytest.mark.parametrize("type_", RESOURCES)
def test_inputs_agree(type_):
    sdk, resource = sdk_class(type_)
    expected = dict(sdk_inputs(sdk, getattr(sdk, f"{resource.__name__}Args")))
    declared = dict(inputs(RESOURCES[type_].shape))
    for path in [path for path, property_ in declared.items() if property_.kind == "unsupported"]:
        declared[path] = expected[path]
        expected = {other: p for other, p in expected.items() if not other.startswith(f"{path}.")}
    without_secrets = {path: Declared(kind=p.kind, required=p.required, secret=False) for path, p in declared.items()}
    assert without_secrets == expected


@pytest.mark.parametrize("type_", RESOURCES)
def test_outputs_agree(type_):
    _, resource = sdk_class(type_)
    assert outputs(RESOURCES[type_].shape) == {name for _, name, _ in _py_properties(resource)}


@pytest.mark.parametrize("type_", RESOURCES)
def test_secret_outputs_agree(type_):
    _, resource = sdk_class(type_)
    stated = re.search(r"additional_secret_outputs=(\[.*?\])", inspect.getsource(resource))
    expected = set(json.loads(stated[1])) if stated else set()
    assert {name for name, declared in RESOURCES[type_].shape if declared.secret} == expected


@pytest.mark.parametrize("package", PACKAGES)
def test_version_and_configuration_agree(package):
    sdk = SDKS[package]
    plugin = json.loads((Path(sdk.__file__).parent / "pulumi-plugin.json").read_text())
    assert PACKAGES[package].version == plugin["version"]
    assert {name for name, _ in PACKAGES[package].configuration} == set(
        input_type_py_to_pulumi_names(sdk.ProviderArgs).values()
    )


def test_get_zone_takes_what_the_sdk_sends():
    expected = dict(sdk_inputs(pulumi_cloudflare, pulumi_cloudflare.GetZoneFilterArgs, "filter."))
    assert {path for path, _ in inputs(GET_ZONE.arguments)} == {"filter", "zoneId", *expected}


def test_get_repository_takes_what_the_sdk_sends_and_gives_what_it_reads():
    sent = set(re.findall(r"__args__\['(\w+)'\]", inspect.getsource(pulumi_github.get_repository)))
    assert {path for path, _ in inputs(GET_REPOSITORY.arguments)} == sent
    assert outputs(REPOSITORY) == {name for _, name, _ in _py_properties(pulumi_github.GetRepositoryResult)}


def test_every_function_is_compared():
    assert {*cloudflare.PACKAGE.functions, *github.PACKAGE.functions} == {GET_ZONE.name, GET_REPOSITORY.name}
