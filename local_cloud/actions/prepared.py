"""A workflow file as act gets it: the file itself, and what GitHub tells each job alone.

The file is changed as a tree of YAML nodes, so that each scalar stays as it was written.
"""

from collections.abc import Callable, Mapping

import yaml
from yaml.nodes import MappingNode, ScalarNode

from local_cloud.actions.workflow import Workflow


def prepare(text: str, workflow: Workflow, environment: Callable[[str], Mapping[str, str]]) -> str:
    """`environment` gives the variables of a job by its id."""
    root = yaml.compose(text, yaml.SafeLoader)
    if not _value(root, "name"):
        # GitHub calls such a workflow by its path, act by its file's name.
        _put(root, "name", _scalar(workflow.path))
    for key, job in _value(root, "jobs").value:
        if variables := environment(key.value):
            kept = _value(job, "env")
            # A new node: the old one may be an alias, which other jobs have too.
            made = MappingNode("tag:yaml.org,2002:map", list(kept.value) if isinstance(kept, MappingNode) else [])
            for name, value in variables.items():
                _put(made, name, _scalar(value))
            _put(job, "env", made)
    return yaml.serialize(root, Dumper=yaml.SafeDumper, width=2**31, allow_unicode=True)


def _value(mapping: MappingNode, name: str) -> MappingNode | ScalarNode | None:
    return next((value for key, value in mapping.value if key.value == name), None)


def _put(mapping: MappingNode, name: str, value: MappingNode | ScalarNode) -> None:
    mapping.value = [(key, kept) for key, kept in mapping.value if key.value != name] + [(_scalar(name), value)]


def _scalar(text: str) -> ScalarNode:
    return ScalarNode("tag:yaml.org,2002:str", text, style='"')
