"""What a Worker runs: modules, bindings and runtime settings. Namespace scripts and account Workers' versions share it.

As a document: `{main_module, modules, bindings, compatibility_date, compatibility_flags, usage_model, limits?,
assets?}`. A script of static assets alone has no modules, and no main one. `script_assets.py` describes `assets`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from local_cloud.call import Answer, Call
from local_cloud.cloudflare import modules as module_files
from local_cloud.cloudflare.bindings import resolve, shown
from local_cloud.cloudflare.dialect import invalid
from local_cloud.cloudflare.metadata import Metadata, Program, Runtime
from local_cloud.cloudflare.modules import ModuleFile
from local_cloud.store import Document

OLDEST_COMPATIBILITY_DATE = "2021-11-02"
"""What Cloudflare runs a script with that names no date."""

HANDLERS = ["fetch"]
"""The events that the local edge delivers."""

STARTUP_TIME_MS = 0
"""An upload is not run here, so it takes no time to start."""


def check_name(name: str) -> None:
    """Refuse a name that no Worker or namespace script can have."""
    if not re.fullmatch(r"[a-z0-9_][a-z0-9_-]{0,62}", name):
        raise invalid(f"script name {name!r} must be 1 to 63 of a-z, 0-9, _ and -, and not begin with -")


Shape = TypeVar("Shape", bound=Metadata)


def uploaded(call: Call, shape: type[Shape]) -> tuple[Shape, list[ModuleFile]]:
    """Metadata and modules of an upload's form."""
    return call.json(shape, part(call, "metadata")), module_files.from_parts(call.form)


def part(call: Call, name: str) -> bytes:
    """The body of a form's part."""
    for candidate in call.form:
        if candidate.name == name:
            return candidate.body
    raise call.invalid(name, "the form has no such part")


def build(
    call: Call, sent: Program, modules: Sequence[ModuleFile], previous: Document | None, *, served: frozenset[str]
) -> Document:
    """The code of an upload. Of `previous`, it keeps only bindings of a type in `keep_bindings`, and inherited ones."""
    sent.refuse_unserved()
    existing = previous["bindings"] if previous else []
    return {
        "main_module": sent.main_module,
        "modules": module_files.keep(call.store, sent.main_module, modules) if modules or sent.main_module else [],
        "bindings": resolve(call, sent.bindings or [], existing, served=served, keep=sent.keep_bindings),
        "compatibility_date": sent.compatibility_date or OLDEST_COMPATIBILITY_DATE,
        "compatibility_flags": sent.compatibility_flags or [],
        "usage_model": sent.usage_model or "standard",
        **({"limits": sent.limits.model_dump(exclude_none=True)} if sent.limits else {}),
    }


def changed(call: Call, code: Document, wanted: Runtime, *, served: frozenset[str]) -> Document:
    """`code` with the settings that were sent; bindings, if sent, replace all."""
    wanted.refuse_unserved()
    names = {"compatibility_date", "compatibility_flags", "usage_model", "limits"}
    changes = wanted.model_dump(include=names, exclude_none=True)
    if wanted.bindings is not None:
        changes["bindings"] = resolve(call, wanted.bindings, code["bindings"], served=served)
    return {**code, **changes}


def etag(code: Mapping[str, Any]) -> str:
    """Changes whenever anything that is run does."""
    return hashlib.sha256(json.dumps(code, sort_keys=True).encode()).hexdigest()


def settings(code: Document, traits: Document) -> dict[str, Any]:
    """A script's settings as the API shows them."""
    optional = {"limits": code.get("limits"), "observability": traits["observability"]}
    return {
        "bindings": shown(code["bindings"]),
        "compatibility_date": code["compatibility_date"],
        "compatibility_flags": code["compatibility_flags"],
        "usage_model": code["usage_model"],
        "logpush": traits["logpush"],
        "tags": traits["tags"],
        "tail_consumers": [],
        "placement": {},
        **{name: value for name, value in optional.items() if value is not None},
    }


def summary(code: Document, traits: Document) -> dict[str, Any]:
    """What the API tells of a script beside its settings."""
    return {
        "etag": etag(code),
        "handlers": HANDLERS if code["modules"] else [],
        "has_assets": "assets" in code,
        "has_modules": bool(code["modules"]),
        "last_deployed_from": "api",
        "startup_time_ms": STARTUP_TIME_MS,
        "entry_point": code["main_module"],
        "compatibility_date": code["compatibility_date"],
        "compatibility_flags": code["compatibility_flags"],
        "usage_model": code["usage_model"],
        "logpush": traits["logpush"],
        "tags": traits["tags"],
        "tail_consumers": [],
    }


def content(call: Call, code: Document) -> Answer:
    """The modules as a form; the header `cf-entrypoint` names the main one, if there is one."""
    content_type, body = module_files.form(call.store, code["modules"])
    main = {"cf-entrypoint": code["main_module"]} if code["modules"] else {}
    return Answer(body=body, headers={"Content-Type": content_type, **main})
