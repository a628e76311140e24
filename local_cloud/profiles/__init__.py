"""How the real services are to work with: instantly and without a fault, at their speed and limits, or at their worst.

A profile decides three things: how long a call takes, whether limits are enforced, and which calls go wrong. What goes
wrong is decided by a seed, so that the same calls in the same order meet the same faults again.
"""

from local_cloud.profiles.conditions import FAULT_HEADER, Conditions, Wanted
from local_cloud.profiles.profile import PROFILES, Profile

__all__ = ["FAULT_HEADER", "PROFILES", "Conditions", "Profile", "Wanted"]
