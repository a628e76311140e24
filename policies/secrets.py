"""No secret stands where everybody who may read a Worker, a repository or a state can read it.

What a provider keeps secret by itself is left out. In everything else, three things are looked for: a credential of
this run's own environment, a text that has the shape of one, and a name that promises one.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import ReportViolation, ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.proxy import UnknownValueError

from infra.credentials import SECRET_VARIABLES

KEPT_SECRET = {
    "github:index/actionsSecret:ActionsSecret": ("value",),
    "github:index/repositoryWebhook:RepositoryWebhook": ("configuration",),
}
"""Properties that the provider itself declares secret."""

PLAIN_BINDINGS = ("plain_text", "json")
SHORTEST = 8
"""Characters of a credential that can be looked for: a shorter one is in many a text by chance."""

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bgh[pousr]_\w{36}|\bgithub_pat_\w{22,}|\bsk-[\w-]{20,}|\bAKIA[0-9A-Z]{16}\b"
)
_PROMISING = re.compile(r"SECRET|TOKEN|PASSWORD|PASSPHRASE|PRIVATE_?KEY|API_?KEY|CREDENTIAL", re.IGNORECASE)


def no_plain_secret(args: ResourceValidationArgs, report: ReportViolation) -> None:
    known = {name: value for name in SECRET_VARIABLES if len(value := os.environ.get(name, "")) >= SHORTEST}
    for path, text in _texts(args.props, KEPT_SECRET.get(args.resource_type, ())):
        if held := [name for name, value in known.items() if value in text]:
            report(f"{path} holds {' and '.join(held)} in plain text: give it as a secret")
        elif _SHAPES.search(text):
            report(f"{path} holds what looks like a key or a token, in plain text: give it as a secret")
    for kind, name in _readable_names(args):
        if _PROMISING.search(name):
            report(f"{kind} {name} is readable by everybody who may see it: make it a secret, or give it another name")


def _texts(value: Any, left_out: Sequence[str], path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in `value` with its path, but for what is in properties `left_out` and in secret bindings."""
    match value:
        case str():
            yield path, value
        case Mapping() if value.get("type") == "secret_text":
            return
        case Mapping():
            for key, item in _known(value, value):
                if path or key not in left_out:
                    yield from _texts(item, (), f"{path}.{key}" if path else key)
        case Sequence():
            for index, item in _known(value, range(len(value))):
                yield from _texts(item, (), f"{path}[{index}]")


def _known(value: Any, keys: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """What is known of `value`: in a preview, to read what is not ends a policy, with a warning alone."""
    for key in keys:
        try:
            item = value[key]
        except UnknownValueError:
            continue
        yield key, item


def _readable_names(args: ResourceValidationArgs) -> Iterator[tuple[str, str]]:
    """What a program names and others can read: a Worker's plain bindings, a repository's variables."""
    match args.resource_type.rpartition(":")[2]:
        case "WorkerVersion" | "WorkersScript":
            for binding in args.props.get("bindings") or ():
                if binding["type"] in PLAIN_BINDINGS:
                    yield "binding", binding["name"]
        case "ActionsVariable" | "ActionsEnvironmentVariable" | "ActionsOrganizationVariable":
            yield "variable", args.props["variableName"]
        case "NamespaceScript":
            for name in args.props.get("bindings") or ():
                yield "binding", name


SECRETS = [
    ResourceValidationPolicy(
        name="no-plain-secret", description="No secret is given as a plain value.", validate=no_plain_secret
    )
]
