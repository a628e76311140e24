"""When a read or a write takes place at all, and which bytes a read is for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from local_cloud.r2 import errors
from local_cloud.store import Document


@dataclass(frozen=True, kw_only=True)
class Etag:
    """`value` None stands for any object."""

    value: str | None
    weak: bool = False


@dataclass(frozen=True, kw_only=True)
class Condition:
    """As of HTTP's conditional headers. Times are milliseconds since 1970, compared by the second if `seconds`."""

    matches: Sequence[Etag] | None = None
    matches_not: Sequence[Etag] | None = None
    uploaded_before: int | None = None
    uploaded_after: int | None = None
    seconds: bool = False

    def holds(self, found: Document | None) -> bool:
        """Whether an object, or that there is none, meets it. ETags go before times, as in HTTP."""
        if found is None:
            return self.matches is None and self.uploaded_after is None
        unit = 1000 if self.seconds else 1
        uploaded = found["uploaded"] // unit
        any_match = self.matches is None or any(
            one.value in {None, found["etag"]} and not one.weak for one in self.matches
        )
        no_match = self.matches_not is None or all(one.value not in {None, found["etag"]} for one in self.matches_not)
        before = self.uploaded_before is None or uploaded < self.uploaded_before // unit
        after = self.uploaded_after is None or uploaded > self.uploaded_after // unit
        return (
            any_match
            and no_match
            and (before or (self.matches is not None and any_match))
            and (after or (self.matches_not is not None and no_match))
        )


@dataclass(frozen=True, kw_only=True)
class Range:
    """Bytes from `offset` on, `length` of them at most; or the last `suffix`."""

    offset: int | None = None
    length: int | None = None
    suffix: int | None = None

    def within(self, size: int) -> tuple[int, int]:
        """Offset and length in an object of that many bytes. Raises `R2Error`."""
        if self.suffix is not None:
            if self.suffix <= 0:
                raise errors.invalid_range()
            return max(size - self.suffix, 0), min(self.suffix, size)
        offset = self.offset or 0
        length = size - offset if self.length is None else self.length
        if offset > size or length <= 0:
            raise errors.invalid_range()
        return offset, min(length, size - offset)


def from_header(text: str, size: int) -> tuple[int, int] | None:
    """Offset and length that a `Range` header asks for; None if it is to be ignored, as one of several ranges is."""
    asked = re.fullmatch(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", text, re.IGNORECASE)
    if not asked or asked.groups() == ("", ""):
        return None
    first, last = asked.groups()
    if not first:
        return Range(suffix=int(last)).within(size)
    if int(first) >= size or (last and int(last) < int(first)):
        return None
    return Range(offset=int(first), length=int(last) - int(first) + 1 if last else None).within(size)
