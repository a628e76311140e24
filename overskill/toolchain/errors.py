"""Why a part of the toolchain cannot be had."""

from collections.abc import Sequence

from overskill.errors import CommandError


class Unavailable(Exception):
    """One way of having a part does not work on this machine; the text says why. Another way may."""


class ToolchainError(CommandError):
    """A part cannot be had in any way: what is missing, each way tried with its reason, and the remedy."""

    def __init__(self, what: str, *, remedy: str, tried: Sequence[tuple[str, str]] = ()) -> None:
        ways = [f"  - {way}: {reason}" for way, reason in tried]
        super().__init__("\n".join([what, *ways, remedy]))
