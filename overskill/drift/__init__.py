"""What differs between the stacks, Cloudflare and GitHub: found by lists, told by kind, mended on demand."""

from overskill.drift.command import drift

__all__ = ["drift"]
