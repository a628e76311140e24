"""YAML whose values know their lines, so that an error can name them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Path = Sequence[str | int]


@dataclass(frozen=True)
class LinedYaml:
    """`value` is the document as plain values, `repeated` the keys that a mapping has twice, with the later's line."""

    value: Any
    repeated: list[tuple[str, int]]
    _root: yaml.Node | None

    def line(self, path: Path) -> int:
        """The line, from 1, of what is at `path`; of the nearest thing around it where there is nothing."""
        line, node = 1, self._root
        for step in path:
            match node:
                case yaml.MappingNode():
                    found = next((pair for pair in node.value if pair[0].value == step), None)
                case yaml.SequenceNode() if isinstance(step, int) and step < len(node.value):
                    found = (node.value[step], node.value[step])
                case _:
                    found = None
            if found is None:
                break
            line, node = _line(found[0]), found[1]
        return line


def parse(text: str) -> LinedYaml:
    """Raises `yaml.YAMLError` for what is no YAML."""
    # libyaml's own parser where it is: ten times as fast, which counts with thousands of apps.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        repeated = list(_repeated(root))
        return LinedYaml(loader.construct_document(root) if root else None, repeated, root)
    finally:
        loader.dispose()


def _repeated(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, _line(key)
            seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
