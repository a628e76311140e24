"""What a program has registered, as one mapping that can be compared."""

import json
from typing import Any

from conftest import Recorder, plain

Graph = dict[str, Any]


def graph_of(recorder: Recorder) -> Graph:
    """`{"Type name": inputs}` of every custom resource, with its options; and each stack output as `output name`.

    Of a version's modules, only the names; of its JSON bindings and of `OVERSKILL_APP`, what they say; of a dynamic
    provider, nothing.
    """
    graph = {}
    for resource in recorder.resources:
        if not resource.typ.startswith("overskill:"):
            inputs = plain(resource.inputs)
            inputs.pop("__provider", None)
            if modules := inputs.get("modules"):
                inputs["modules"] = [module["name"] for module in modules]
            if resource.typ.endswith(":WorkerVersion"):
                for binding in inputs["bindings"]:
                    if binding["type"] == "json":
                        binding["json"] = json.loads(binding["json"])
            if inputs.get("variableName") == "OVERSKILL_APP":
                inputs["value"] = json.loads(inputs["value"])
            options = recorder.options[resource.name]
            graph[f"{resource.typ.rpartition(':')[2]} {resource.name}"] = inputs | (
                {"(options)": options} if options else {}
            )
    return graph | {f"output {name}": value for name, value in recorder.outputs.items()}


def difference(before: Any, after: Any, path: str = "") -> list[str]:
    """`+ path`, `- path` and `path: before -> after`, down to what differs; a whole resource is one line."""
    if isinstance(before, dict) and isinstance(after, dict):
        join = (lambda key: f"{path}.{key}") if path else str
        added = [f"+ {join(key)}" for key in after.keys() - before.keys()]
        gone = [f"- {join(key)}" for key in before.keys() - after.keys()]
        changed = [
            line for key in before.keys() & after.keys() for line in difference(before[key], after[key], join(key))
        ]
        return sorted(added + gone + changed)
    if isinstance(before, list) and isinstance(after, list) and all(isinstance(i, dict) for i in [*before, *after]):
        named = [{item.get("name", str(n)): item for n, item in enumerate(items)} for items in (before, after)]
        return difference(*named, path)
    return [] if before == after else [f"{path}: {before} -> {after}"]
