"""Secrets that are set and deleted one by one, of a namespace script and of an account Worker alike."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Strict
from local_cloud.cloudflare.bindings import NAME, secret, shown
from local_cloud.cloudflare.dialect import refusal
from local_cloud.store import Document
from local_cloud.vault import Vault


class Secret(Strict):
    name: Annotated[str, Field(pattern=NAME)]
    text: str
    type: Literal["secret_text"]


def secrets(bindings: Iterable[Document]) -> list[dict[str, Any]]:
    """The secrets among the bindings, as the API shows them: `{name, type}`."""
    return [binding for binding in shown(bindings) if binding["type"] == "secret_text"]


def secret_named(bindings: Iterable[Document], name: str) -> dict[str, Any]:
    """One secret as the API shows it; refused with 10056 if there is none of that name."""
    for binding in secrets(bindings):
        if binding["name"] == name:
            return binding
    raise refusal(404, 10056, f"workers.api.error.secret_not_found: {name}")


def with_secret(bindings: Iterable[Document], sent: Secret, vault: Vault) -> list[Document]:
    """The bindings, sorted by name, with this one in place of another of its name."""
    return _sorted([*_without(bindings, sent.name), secret(vault, sent.name, sent.text)])


def without_secret(bindings: list[Document], name: str) -> list[Document]:
    """The bindings but this secret; refused with 10056 if it is not among them."""
    secret_named(bindings, name)
    return _sorted(_without(bindings, name))


def _without(bindings: Iterable[Document], name: str) -> list[Document]:
    return [binding for binding in bindings if binding["name"] != name]


def _sorted(bindings: list[Document]) -> list[Document]:
    return sorted(bindings, key=lambda binding: binding["name"])
