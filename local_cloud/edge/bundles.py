"""What the edge can run of a Worker: types of modules and of bindings, and a refusal that names everything else."""

from collections.abc import Collection, Sequence

from local_cloud.edge.model import Bundle, Module

MODULE_KINDS = {
    "application/javascript+module": "js",
    "text/plain": "text",
    "application/json": "json",
    "application/wasm": "wasm",
    "application/octet-stream": "data",
}
"""Content type of a module to its kind in workerd's worker loader."""

VALUE_BINDINGS = {"plain_text": "text", "secret_text": "text", "json": "json"}
"""Type of a binding that is a plain value, to the field of the API's binding object that holds the value."""


class UnrunnableError(ValueError):
    """The edge cannot run one or more Workers; `problems` says which, and everything that stands against them."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def module_kind(module: Module) -> str | None:
    """The loader's word for a module's type (a value of `MODULE_KINDS`), None if the edge has none for it."""
    return MODULE_KINDS.get(module.content_type.partition(";")[0].strip().lower())


def problems_of(bundle: Bundle, binding_types: Collection[str]) -> list[str]:
    """Why the edge cannot run a Worker, where it provides bindings of `binding_types`; empty if it can."""
    problems = [
        f"module {module.name!r} has content type {module.content_type!r}, not one of {', '.join(MODULE_KINDS)}"
        for module in bundle.modules
        if module_kind(module) is None
    ]
    alone = bundle.assets and not bundle.modules
    if not alone and bundle.main_module not in {module.name for module in bundle.modules}:
        problems.append(f"main module {bundle.main_module!r} is not among the modules")
    for binding in bundle.bindings:
        if binding["type"] not in binding_types:
            types = ", ".join(sorted(binding_types))
            problems.append(f"binding {binding['name']!r} is of type {binding['type']!r}, not one of {types}")
    return [f"Worker {bundle.name}: {problem}" for problem in problems]
