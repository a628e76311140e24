"""`overskill doctor`: what a stack needs, and whether it is there, before a first `up`. It changes nothing."""

from overskill.doctor.command import doctor

__all__ = ["doctor"]
