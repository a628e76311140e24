"""Chance that can be repeated."""

import hashlib


def draw(seed: int, *occurrence: str | int) -> float:
    """A number from 0 up to 1 for one occurrence, such as the 3rd call of a route. The same seed gives the same one."""
    words = "\0".join(str(word) for word in (seed, *occurrence))
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8]) / 2**64
