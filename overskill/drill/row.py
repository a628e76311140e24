"""One drill: what went wrong, and how that ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

End = Literal["by itself", "told", "wrong"]
"""`by itself`: the right state, and nobody had to do anything. `told`: an error said what is wrong, and doing what it
says, or the same again, has led to the right state. `wrong`: neither."""

SHOWN = 160
"""Characters of what was told that are kept."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """`place` is where it went wrong: a call, a step, a file. `told`: the error, or what is wrong in the end."""

    drill: str
    place: str
    fault: str
    end: End
    told: str
    seconds: float

    def shown(self) -> dict[str, Any]:
        return asdict(self) | {"seconds": round(self.seconds, 2)}


class Wrong(Exception):
    """The state that a drill has led to is not the right one; the message says what is wrong in it."""


@dataclass
class Course:
    """How a drill is going: what it was told so far."""

    told: str = ""

    def tell(self, error: object) -> None:
        self.told = self.told or " ".join(str(error).split())

    def until_done(
        self, work: Callable[[], object], told_by: type[Exception] | tuple[type[Exception], ...], again: int = 1
    ) -> None:
        """Do it, and so often again where it says that it has failed, as whoever reads the error would."""
        for _ in range(again):
            try:
                work()
                return
            except told_by as error:
                self.tell(error)
        work()


@contextmanager
def drilled(drill: str, place: str, fault: str, rows: list[Row]) -> Iterator[Course]:
    """Add the row of the drill that is the block. What it raises is a wrong end."""
    course, began = Course(), time.monotonic()
    end: End = "wrong"
    try:
        yield course
        end = "told" if course.told else "by itself"
    except Exception as error:  # whatever it is, the other drills are not to wait for it
        course.told = " ".join(f"{type(error).__name__}: {error}".split())
    seconds = time.monotonic() - began
    rows.append(Row(drill=drill, place=place, fault=fault, end=end, told=course.told[:SHOWN], seconds=seconds))


def require(right: bool, what: str) -> None:
    """Raises `Wrong` with what is wrong."""
    if not right:
        raise Wrong(what)
