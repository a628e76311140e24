"""What Pulumi owns of a namespace script's settings: compared, sent and read back. Pure.

Owned are tags, bindings, limits and observability. A deploy may choose observability anew, so it is set where the
declaration changes, and not read back. Compatibility date and flags belong to the code: they are sent with the
bootstrap page, and never again.
"""

from collections.abc import Iterable, Mapping
from typing import Any

Properties = Mapping[str, Any]
"""A script's inputs, or its outputs in the state: the fields of `NamespaceScriptArgs`, with the bindings by name."""

Settings = Mapping[str, Any]
"""As Cloudflare gives them: `{"bindings": [{"type", "name", ...}], "tags": [...], "limits"?: {...}, ...}`."""

MAX_TAGS = 8
OWNER = "app-"
"""Begins the tag that says whose the script is."""


def owner(tags: Iterable[str]) -> list[str]:
    """The tags that name an app: one, or the script is nobody's."""
    return [tag for tag in tags if tag.startswith(OWNER)]


def wrong_tags(tags: list[str]) -> list[str]:
    """What is wrong with them, each with its rule."""
    problems = [f"{tag!r} holds ',' or '&', or nothing: no tag may" for tag in tags if not tag or set(tag) & set(",&")]
    if len(set(tags)) > MAX_TAGS:
        problems.append(f"{len(set(tags))} tags: a script has {MAX_TAGS} at most")
    if len(owner(set(tags))) != 1:
        problems.append(
            f"one tag must say whose the script is, such as {OWNER}abc123; there are {owner(tags) or 'none'}"
        )
    return problems


def owned(props: Properties) -> dict[str, Any]:
    """The owned settings in a form that can be compared: two scripts with equal ones differ in code alone."""
    return {
        # Cloudflare keeps the tags of a script as a set.
        "tags": sorted(set(props["tags"])),
        "bindings": {name: _binding(name, binding) for name, binding in props["bindings"].items()},
        "limits": {name: _whole(limit) for name, limit in (props.get("limits") or {}).items()},
        "observability": props.get("observability"),
    }


def changed(olds: Properties, news: Properties) -> list[str]:
    """Which of the owned settings differ."""
    old, new = owned(olds), owned(news)
    return [name for name in new if old[name] != new[name]]


def to_send(props: Properties, names: Iterable[str]) -> dict[str, Any]:
    """These owned settings as Cloudflare takes them."""
    wanted = owned(props)
    bindings, observability = list(wanted["bindings"].values()), {"enabled": wanted["observability"]}
    sent = {**wanted, "bindings": bindings, "observability": observability}
    return {name: sent[name] for name in names}


def observed(props: Properties, settings: Settings) -> dict[str, Any]:
    """`props` with what is owned as it is; what is as declared keeps the declaration's form, and its secrets.

    The API gives no secret's text: one that is there counts as unchanged.
    """
    actual = {binding["name"]: binding for binding in settings.get("bindings", ())}
    bindings = {
        name: _observed(name, binding, actual[name]) for name, binding in props["bindings"].items() if name in actual
    }
    seen = {
        **props,
        "tags": list(settings.get("tags", ())),
        "bindings": bindings,
        "limits": settings.get("limits") or {},
    }
    same = {"tags", "limits"} - set(changed(props, seen))
    return {
        name: props[name] if name in same else value for name, value in seen.items() if name not in same - set(props)
    }


def _observed(name: str, declared: Any, actual: Mapping[str, Any]) -> Any:
    known = _binding(name, declared)
    seen = {key: actual.get(key) for key in known}
    if known["type"] == actual["type"] == "secret_text":
        seen["text"] = known["text"]
    return declared if seen == known else dict(actual)


def _binding(name: str, declared: Any) -> dict[str, Any]:
    """A binding as the API has it; states that are older than kinds of bindings have a plain text's text alone."""
    return declared if isinstance(declared, dict) else {"type": "plain_text", "name": name, "text": declared}


def _whole(limit: Any) -> Any:
    """Numbers come from the engine as floats."""
    return int(limit) if isinstance(limit, float) else limit
