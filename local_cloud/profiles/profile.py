"""The profiles by name."""

from dataclasses import dataclass

from local_cloud.profiles.faults import HOSTILE_CALLS, HOSTILE_DELIVERIES, Shares


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Whether calls take as long as the real ones, whether limits are enforced, and what goes wrong by chance."""

    name: str
    latencies: bool = False
    enforce_limits: bool = False
    calls: Shares = ()
    deliveries: Shares = ()


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="instant"),
        Profile(name="realistic", latencies=True, enforce_limits=True),
        Profile(
            name="hostile",
            latencies=True,
            enforce_limits=True,
            calls=HOSTILE_CALLS,
            deliveries=HOSTILE_DELIVERIES,
        ),
    )
}
