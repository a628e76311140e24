"""The conditions that calls and deliveries meet now: the profile, its seed, and a plan of faults for a drill."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from local_cloud.profiles.chance import draw
from local_cloud.profiles.faults import CallFault, CallRule, Data, DeliveryFault, DeliveryRule, Late, Shares, drawn
from local_cloud.profiles.latencies import kind_of, latency_of
from local_cloud.profiles.profile import PROFILES

FAULT_HEADER = "x-local-cloud-fault"
"""In an answer or a delivery that was tampered with: how."""

SWITCHES = ("latencies", "enforce_limits")

request_log = logging.getLogger("local_cloud.requests")


class Wanted(Data):
    """What `PUT /_local/profile` takes. `latencies` and `enforce_limits` are the profile's unless they are given."""

    name: Literal["instant", "realistic", "hostile"] = "instant"
    seed: int = 0
    latencies: bool | None = None
    enforce_limits: bool | None = None
    calls: tuple[CallRule, ...] = ()
    deliveries: tuple[DeliveryRule, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Met:
    """What one call or delivery meets: it takes so many seconds, and then this goes wrong."""

    seconds: float
    fault: CallFault | DeliveryFault | None


class Conditions:
    """Counts what it is asked about, from the last `set` on: the counts decide what goes wrong."""

    def __init__(self, wanted: Wanted) -> None:
        self.set(wanted)

    def set(self, wanted: Wanted) -> None:
        """Begin anew."""
        given = {name: value for name in SWITCHES if (value := getattr(wanted, name)) is not None}
        self._profile = replace(PROFILES[wanted.name], **given)
        self._wanted = wanted
        self._seen: Counter[tuple[str, ...]] = Counter()
        self._matched: Counter[int] = Counter()

    @property
    def enforce_limits(self) -> bool:
        """Whether a client that calls too often is refused."""
        return self._profile.enforce_limits

    def shown(self) -> dict[str, Any]:
        """What is set, with the number of matches that each rule has `seen`."""
        rules = {
            name: [{**rule.model_dump(), "seen": self._matched[id(rule)]} for rule in getattr(self._wanted, name)]
            for name in ("calls", "deliveries")
        }
        switches = {name: getattr(self._profile, name) for name in SWITCHES}
        return {**self._wanted.model_dump(), **switches, **rules}

    def call(self, service: str, method: str, path: str, template: str, content_type: str) -> Met:
        """Count a call. `template` is its route's, so that names made up by a run don't change what it meets."""
        key = (service, method, template)
        kind = kind_of(method, template, content_type)
        rules = [rule for rule in self._wanted.calls if rule.matches(service, method, path)]
        met = self._met(key, (service, kind), rules, self._profile.calls)
        if met.fault:
            request_log.info("%s %s %s: fault: %s", service, method, path, met.fault)
        return met

    def delivery(self, event: str) -> Met:
        """Count a webhook's delivery; what is late takes so much longer."""
        rules = [rule for rule in self._wanted.deliveries if rule.matches(event)]
        met = self._met(("delivery", event), ("github", "webhook"), rules, self._profile.deliveries)
        if met.fault:
            request_log.info("delivery of %s: fault: %s", event, met.fault)
        return replace(met, seconds=met.seconds + met.fault.seconds) if isinstance(met.fault, Late) else met

    def _met(
        self, key: tuple[str, ...], kind: tuple[str, str], rules: Sequence[CallRule | DeliveryRule], shares: Shares
    ) -> Met:
        self._seen[key] += 1
        self._matched.update(map(id, rules))
        occurrence, seed = (*key, self._seen[key]), self._wanted.seed
        planned = [rule.fault for rule in rules if rule.hits(self._matched[id(rule)])]
        seconds = latency_of(*kind).seconds(draw(seed, "latency", *occurrence)) if self._profile.latencies else 0.0
        return Met(seconds=seconds, fault=planned[0] if planned else drawn(shares, seed, *occurrence))
