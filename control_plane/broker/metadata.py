"""The metadata of an upload: what an app may say of its script, and what the platform says of it. Pure."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from control_plane.broker.permission import Target
from control_plane.broker.refusals import Refused

KEPT = ("secret_text", "secret_key")
"""Types of bindings that a script keeps: nobody here knows the texts of secrets. The declaration has their names."""
OWN: dict[str, frozenset[str]] = {
    "assets": frozenset(),
    "json": frozenset({"json"}),
    "plain_text": frozenset({"text"}),
    "secret_text": frozenset({"text"}),
    "version_metadata": frozenset(),
}
"""The bindings that are the app's to choose, with what each says beside type and name: they reach nothing outside."""


class Assets(BaseModel):
    model_config = ConfigDict(extra="forbid")

    jwt: str
    config: dict[str, Any] | None = None


class Sent(BaseModel):
    """What an app may say. Each other field is the platform's, or reaches beyond the app."""

    model_config = ConfigDict(extra="forbid")

    main_module: str | None = None
    bindings: list[dict[str, Any]] = []
    keep_bindings: list[Literal["plain_text", "json", "secret_text", "secret_key"]] = []
    compatibility_date: str | None = None
    compatibility_flags: list[str] | None = None
    assets: Assets | None = None
    observability: dict[str, Any] | None = None
    placement: dict[str, Any] | None = None
    code_update_strategy: dict[str, Any] | None = None
    annotations: dict[str, str] | None = None
    package_dependencies: list[dict[str, Any]] | None = None

    def code(self) -> dict[str, Any]:
        """What is the code's own: a bundle keeps it. No secret and no token is in it."""
        own = self.model_dump(exclude_none=True, exclude={"bindings", "keep_bindings", "assets"})
        bindings = [binding for binding in self.bindings if binding["type"] in OWN and binding["type"] not in KEPT]
        assets = {} if self.assets is None else {"assets": {"config": self.assets.config or {}}}
        return {**own, "bindings": bindings, **assets}


def parse(text: bytes, target: Target) -> Sent:
    """Raises `Refused`: 400 for what is no metadata, 403 for what is not the app's to say; all of it at once."""
    try:
        sent = Sent.model_validate_json(text)
    except ValidationError as error:
        raise _refused(error) from None
    try:
        json.dumps(sent.model_dump(), allow_nan=False)
    except ValueError:
        raise Refused(400, "metadata: a number is infinite or none at all, which JSON hasn't") from None
    problems = [problem for binding in sent.bindings if (problem := _problem(binding, target))]
    names = Counter(str(binding.get("name")) for binding in sent.bindings)
    problems += [f"binding {name} is there {times} times" for name, times in names.items() if times > 1]
    if problems:
        raise Refused(403, "; ".join(problems))
    return sent


def composed(sent: Sent, target: Target, assets_token: str | None) -> dict[str, Any]:
    """What Cloudflare is told: the app's part of `sent`, and the platform's tags, bindings and kept secrets.

    Without limits: those of an app's plan are the dispatch Worker's, at each request.
    """
    declared = {binding["name"] for binding in target.place.bindings}
    given = [binding for binding in target.place.bindings if binding["type"] not in KEPT]
    own = [binding for binding in sent.bindings if binding["name"] not in declared]
    assets = {} if sent.assets is None else {"assets": {"jwt": assets_token, "config": sent.assets.config or {}}}
    return {
        "observability": {"enabled": True},
        **sent.model_dump(exclude_none=True, exclude={"bindings", "keep_bindings", "assets"}),
        "bindings": [*given, *own],
        "keep_bindings": sorted({*KEPT, *sent.keep_bindings}),
        "tags": target.tags,
        **assets,
    }


def _problem(binding: Mapping[str, Any], target: Target) -> str | None:
    """Why the binding is refused. One that is declared may come as it is declared, or as one to inherit."""
    kind, name = binding.get("type"), binding.get("name")
    declared = {one["name"]: one for one in target.place.bindings}
    if not isinstance(kind, str) or not isinstance(name, str):
        return "a binding has no type or no name"
    if name in declared:
        if binding in (declared[name], {"type": "inherit", "name": name}):
            return None
        return f"binding {name} is the platform's ({declared[name]['type']}): leave it out, or give it as it is"
    if kind in OWN and {"type", "name"} | OWN[kind] == binding.keys():
        return None
    offered = ", ".join(f"{own} ({one['type']})" for own, one in declared.items()) or "none"
    return f"binding {name} of type {kind} is not the app's; its stack declares {offered}"


def _refused(error: ValidationError) -> Refused:
    problems = error.errors()
    foreign = [_place(problem) for problem in problems if problem["type"] == "extra_forbidden"]
    if foreign:
        return Refused(403, f"metadata: {', '.join(foreign)}: not the app's to say, leave it out")
    wrong = "; ".join(f"{_place(problem)}: {problem['msg']}" for problem in problems)
    return Refused(400, f"metadata: {wrong}")


def _place(problem: Mapping[str, Any]) -> str:
    return ".".join(str(key) for key in problem["loc"]) or "the part"
