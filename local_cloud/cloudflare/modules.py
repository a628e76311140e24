"""The modules of a Worker: checked, kept by content, and given back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from local_cloud.cloudflare.dialect import invalid, refusal
from local_cloud.multipart import Part, render
from local_cloud.store import Document, Reader, Store

MAX_BYTES = 64 * 1024 * 1024
"""Of all modules of a script together, uncompressed."""

JAVASCRIPT = "application/javascript+module"
SOURCE_MAP = "application/source-map"
SERVED_TYPES = frozenset({JAVASCRIPT, "text/plain", "application/json", "application/wasm", "application/octet-stream"})


@dataclass(frozen=True, kw_only=True)
class ModuleFile:
    """A module as it was uploaded; `content_type` is without parameters."""

    name: str
    content_type: str
    body: bytes


def from_parts(parts: Iterable[Part]) -> list[ModuleFile]:
    """The modules of a form: every part with a file name, which is the module's name, but metadata and source maps.

    A source map is no module. Cloudflare rewrites stack traces by it, which the local cloud does not.
    """
    found = [
        ModuleFile(name=part.filename, content_type=(part.content_type or "").partition(";")[0].strip(), body=part.body)
        for part in parts
        if part.filename and part.name != "metadata"
    ]
    return [module for module in found if module.content_type != SOURCE_MAP]


def keep(store: Store, main_module: str, modules: Sequence[ModuleFile]) -> list[Document]:
    """Store the bodies; `[{"name", "content_type", "blob"}]` in the order of the upload.

    Refuses, all at once: modules of a type that the edge does not serve, a name used twice, text that is not UTF-8,
    and a main module that is missing or no ES module.
    """
    if sum(len(module.body) for module in modules) > MAX_BYTES:
        raise refusal(413, 10027, f"workers.api.error.script_too_large: all modules together exceed {MAX_BYTES} bytes")
    by_name = {module.name: module for module in modules}
    main = by_name.get(main_module)
    problems = [problem for module in modules for problem in _problems(module)]
    if len(by_name) < len(modules):
        problems.append("two modules have the same name")
    if main is None:
        names = ", ".join(by_name) or "none"
        problems.append(f'Uncaught Error: No such module "{main_module}"; uploaded were: {names}')
    elif main.content_type != JAVASCRIPT:
        problems.append(f"main module {main_module!r} must be {JAVASCRIPT}: the local cloud runs ES modules only")
    if problems:
        raise invalid(*problems)
    return [
        {"name": module.name, "content_type": module.content_type, "blob": store.put_blob(module.body)}
        for module in modules
    ]


def form(store: Reader, modules: Iterable[Document]) -> tuple[str, bytes]:
    """Content-Type and body of a form with these kept modules."""
    return render(
        Part(
            name=module["name"],
            filename=module["name"],
            content_type=module["content_type"],
            body=store.blob(module["blob"]),
        )
        for module in modules
    )


def _problems(module: ModuleFile) -> Iterable[str]:
    if module.content_type not in SERVED_TYPES:
        types = ", ".join(sorted(SERVED_TYPES))
        yield f"module {module.name!r} has type {module.content_type!r}; the local cloud serves {types}"
    elif module.content_type in {JAVASCRIPT, "text/plain", "application/json"}:
        try:
            module.body.decode()
        except UnicodeDecodeError:
            yield f"module {module.name!r} is {module.content_type}, but not UTF-8"
