"""A fleet moved from one way to another, in waves, with a way back."""

from overskill.migrate.command import migrate

__all__ = ["migrate"]
