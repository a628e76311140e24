"""What a real client is asked to do, as a table: calls by their names in that client, one after the other."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

ANYTHING = object()
PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Among:
    """Expects a list in which something is as `item` says."""

    item: Any


class RefusedError(Exception):
    """The client has raised its own error for an answer of this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True)
class Step:
    """A call and what is expected of it.

    `{x}` in `given` and `gives` stands for what is known by that name; `given` may also be a function of all that is
    known. `keeps` makes names known, each by the dotted path to it in what came back, or by a function that finds it
    there. `fails` is the status of the error that the client has to raise. `undo` is called at the end of the test,
    whatever becomes of the steps after this one.

    A `patient` step is repeated until what is expected comes, for some seconds.

    `gives` is compared part by part: an object has at least the fields of a dict, a function says whether a value is
    right, anything else has to be equal.
    """

    call: str
    given: Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]] = field(default_factory=dict)
    gives: Any = ANYTHING
    keeps: Mapping[str, str | Callable[[Any], Any]] = field(default_factory=dict)
    fails: int = 0
    undo: str = ""
    patient: bool = False


Invoke = Callable[[str, dict[str, Any], Mapping[str, Any]], Any]
"""Makes a call with what is given; the names may fill in what the call needs besides. Raises `RefusedError`."""


def play(steps: list[Step], names: Mapping[str, Any], invoke: Invoke, cleanup: Callable) -> None:
    """Take the steps in order. `names` are known from the start."""
    known = dict(names)
    for step in steps:
        deadline = time.monotonic() + (PATIENCE_SECONDS if step.patient else 0)
        while problems := list(_take(step, invoke, known, cleanup)):
            assert time.monotonic() < deadline, problems
            time.sleep(0.05)


def _take(step: Step, invoke: Invoke, known: dict[str, Any], cleanup: Callable) -> Iterator[str]:
    """What came otherwise than expected."""
    status, value = 0, None
    given = step.given(known) if callable(step.given) else filled(step.given, known)
    try:
        value = invoke(step.call, given, known)
    except RefusedError as refused:
        status = refused.status
    if status != step.fails:
        yield f"{step.call} ended with status {status}"
        return
    known |= {name: find(value) if callable(find) else found_at(value, find) for name, find in step.keeps.items()}
    if step.undo:
        then = dict(known)
        cleanup(lambda: _undo(invoke, step.undo, then))
    if step.gives is not ANYTHING:
        yield from differences(filled(step.gives, known), value, step.call)


def _undo(invoke: Invoke, call: str, known: Mapping[str, Any]) -> None:
    with suppress(RefusedError):
        invoke(call, {}, known)


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """`value` with what is known for each `{x}` in it; a text that is nothing else becomes that value itself."""
    match value:
        case dict():
            return {filled(key, names): filled(each, names) for key, each in value.items()}
        case list():
            return [filled(each, names) for each in value]
        case Among(item):
            return Among(filled(item, names))
        case str() if (whole := re.fullmatch(r"{(\w+)}", value)) and whole[1] in names:
            return names[whole[1]]
        case str():
            return re.sub(r"{(\w+)}", lambda found: str(names.get(found[1], found[0])), value)
        case _:
            return value


def differences(expected: Any, actual: Any, where: str) -> Iterator[str]:
    match expected:
        case dict():
            for name, each in expected.items():
                yield from differences(each, found_at(actual, name), f"{where}.{name}")
        case list() if isinstance(actual, list) and len(expected) == len(actual):
            for index, each in enumerate(expected):
                yield from differences(each, actual[index], f"{where}[{index}]")
        case Among(item):
            if all(any(differences(item, each, where)) for each in actual):
                yield f"{where} has nothing like {item!r}: {actual!r}"
        case _ if callable(expected):
            if not expected(actual):
                yield f"{where} is {actual!r}"
        case _ if expected != actual:
            yield f"{where} is {actual!r}, not {expected!r}"


def found_at(value: Any, path: str) -> Any:
    """`path` names fields of objects and keys, and counts places in lists; the value itself if it is empty."""
    for part in path.split(".") if path else ():
        match value:
            case list():
                value = value[int(part)] if int(part) < len(value) else None
            case dict():
                value = value.get(part)
            case _:
                value = getattr(value, part, None)
    return value
