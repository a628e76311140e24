"""What can go wrong with a call or a webhook's delivery: as data, so that a drill can name the very call."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from local_cloud.profiles.chance import draw

MAX_SECONDS = 600
When = Literal["before", "after"]
"""Whether the caller is failed before its call took effect, and it didn't, or after."""

Seconds = Annotated[float, Field(gt=0, le=MAX_SECONDS)]


class Data(BaseModel):
    """What is sent as JSON: an unknown field is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Status(Data):
    """The service answers an error, 4xx or 5xx, in its own form."""

    kind: Literal["status"] = "status"
    status: int = Field(ge=400, le=599)
    when: When = "before"

    def __str__(self) -> str:
        return f"{self.status} {self.when} it took effect"


class Reset(Data):
    """The connection is reset, without an answer."""

    kind: Literal["reset"] = "reset"
    when: When = "before"

    def __str__(self) -> str:
        return f"reset {self.when} it took effect"


class Slow(Data):
    """The answer takes longer; the call took effect before that."""

    kind: Literal["slow"] = "slow"
    seconds: Seconds

    def __str__(self) -> str:
        return f"slow by {self.seconds:g} s"


class Duplicate(Data):
    """A delivery arrives twice, under the same guid."""

    kind: Literal["duplicate"] = "duplicate"

    def __str__(self) -> str:
        return "duplicate"


class Late(Data):
    """A delivery arrives later, and others may be before it."""

    kind: Literal["late"] = "late"
    seconds: Seconds

    def __str__(self) -> str:
        return f"late by {self.seconds:g} s"


CallFault = Status | Reset | Slow
DeliveryFault = Duplicate | Late


class _Rule(Data):
    """Counts what it matches, and lets `times` of them go wrong from the `nth` on."""

    nth: int = Field(default=1, ge=1)
    times: int = Field(default=1, ge=1)

    def hits(self, number: int) -> bool:
        """Whether the match of this number, from 1, goes wrong."""
        return self.nth <= number < self.nth + self.times


class CallRule(_Rule):
    """`path` is below the service's root, as it is sent: `*` is a segment or part of one, `**` any number of them."""

    service: Literal["cloudflare", "github"]
    method: str
    path: str
    fault: CallFault = Field(discriminator="kind")

    def matches(self, service: str, method: str, path: str) -> bool:
        pattern = re.escape(self.path).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
        return (self.service, self.method) == (service, method) and re.fullmatch(pattern, path) is not None


class DeliveryRule(_Rule):
    """`event` is a webhook event's name, or `*` for all."""

    event: str
    fault: DeliveryFault = Field(discriminator="kind")

    def matches(self, event: str) -> bool:
        return self.event in {"*", event}


Shares = tuple[tuple[float, CallFault | DeliveryFault], ...]
"""Faults, each with the share of occurrences that meet it."""

HOSTILE_CALLS: Shares = (
    (0.02, Status(status=429)),
    (0.01, Status(status=500)),
    (0.02, Status(status=503)),
    (0.01, Status(status=502, when="after")),
    (0.01, Reset()),
    (0.01, Reset(when="after")),
    (0.02, Slow(seconds=5)),
)
"""One call in ten."""

HOSTILE_DELIVERIES: Shares = ((0.1, Duplicate()), (0.1, Late(seconds=10)))


def drawn(shares: Shares, seed: int, *occurrence: str | int) -> CallFault | DeliveryFault | None:
    """The fault that an occurrence meets by chance, or None."""
    chance = draw(seed, "fault", *occurrence)
    for share, fault in shares:
        if chance < share:
            return fault
        chance -= share
    return None
