"""A platform that was made by hand, taken up by stacks: read, written down, imported, and brought up to the rest."""

from overskill.adopt.command import adopt

__all__ = ["adopt"]
