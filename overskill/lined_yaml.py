"""YAML whose values know their lines, so that an error can name them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

Path = Sequence[str | int]

DEEPEST = 50
"""Lists and mappings within each other."""

MOST = 10
"""Values for each character: ten lines of aliases can stand for a billion values."""


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
    """Raises `yaml.YAMLError` for what is no YAML, or stands for far more than it says."""
    try:
        return _parsed(text)
    except ValueError as error:  # half a character, or a number or a date that is none by its value
        raise yaml.YAMLError(str(error)) from None


def _parsed(text: str) -> LinedYaml:
    # libyaml's own parser where it is: ten times as fast, which counts with thousands of apps.
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    _check_depth(text, kind)
    loader = kind(text)
    try:
        root = loader.get_single_node()
        repeated = list(_repeated(root, MOST * (len(text) + 100)))
        return LinedYaml(loader.construct_document(root) if root else None, repeated, root)
    finally:
        loader.dispose()


def _check_depth(text: str, loader: type[yaml.SafeLoader]) -> None:
    """libyaml's parser ends the process where values are nested too deeply."""
    depth = 0
    for event in yaml.parse(text, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=event.start_mark)


def _repeated(root: yaml.Node | None, most: int) -> Iterator[tuple[str, int]]:
    """Goes through the document as it is with its aliases written out, to `most` values of that."""
    left = [root]
    while left:
        node = left.pop()
        if (most := most - 1) < 0:
            raise yaml.YAMLError("its aliases stand for too much: write them out")
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if str(key.value) in seen:
                    yield str(key.value), _line(key)
                seen.add(str(key.value))
                left.append(value)
        elif isinstance(node, yaml.SequenceNode):
            left += node.value


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
