"""What the local cloud is told at its start: where its state is, its ports, and whom it serves."""

import re
from dataclasses import dataclass
from pathlib import Path

from local_cloud.profiles import PROFILES

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN_NAME = rf"{_LABEL}(?:\.{_LABEL})+"

MAX_RESIDENT_APPS = 3000
"""workerd has crashed near 4,000 loaded Workers."""
LOOPBACK = "127.0.0.1"
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - taken only if it is asked for
"""Of IPv4, and of IPv6 too."""


class SettingsError(ValueError):
    """The settings have offenders; the message names each, a line each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`account` is a Cloudflare account id; `zones` are its DNS zones, `organizations` those of GitHub.

    The API listens on `api_port`, the edge on `edge_port`; `workerd` is its binary. `listen` is the address of both:
    127.0.0.1, or every one that this machine has. `profile` and `seed` are those of the start: see `profiles`.
    `act` is the binary that runs workflows, `runs_at_once` of them; None: no workflow can be run.
    `workers_subdomain` is the account's until it is changed through the API; `resident_apps` stay loaded at most.
    """

    state: Path
    api_port: int
    edge_port: int
    workerd: Path
    account: str
    workers_subdomain: str
    zones: tuple[str, ...]
    organizations: tuple[str, ...]
    resident_apps: int = 500
    profile: str = "instant"
    seed: int = 0
    listen: str = LOOPBACK
    act: Path | None = None
    runs_at_once: int = 2

    def __post_init__(self) -> None:
        checks = [
            (0 < self.api_port < 65536, f"--api-port {self.api_port}: must be a port, 1 to 65535"),
            (0 < self.edge_port < 65536, f"--edge-port {self.edge_port}: must be a port, 1 to 65535"),
            (self.api_port != self.edge_port, f"--edge-port {self.edge_port}: is the API's port already"),
            (
                0 < self.resident_apps <= MAX_RESIDENT_APPS,
                f"--resident-apps {self.resident_apps}: must be 1 to {MAX_RESIDENT_APPS}; workerd crashes beyond",
            ),
            (
                self.listen in {LOOPBACK, *EVERY_ADDRESS},
                f"--listen {self.listen}: must be {LOOPBACK}, or {' or '.join(EVERY_ADDRESS)} for every address "
                f"of this machine: the local cloud asks itself at {LOOPBACK}",
            ),
            (self.workerd.is_file(), f"--workerd {self.workerd}: there is no such file"),
            (self.act is None or self.act.is_file(), f"--act {self.act}: there is no such file"),
            (self.runs_at_once > 0, f"--runs-at-once {self.runs_at_once}: must be 1 or more"),
            (re.fullmatch(r"[0-9a-f]{32}", self.account), f"--account {self.account}: must be 32 hexadecimal digits"),
            (
                re.fullmatch(_LABEL, self.workers_subdomain),
                f"--workers-subdomain {self.workers_subdomain}: must be one lower-case DNS label",
            ),
            (self.profile in PROFILES, f"--profile {self.profile}: must be one of {', '.join(PROFILES)}"),
            *(
                (re.fullmatch(DOMAIN_NAME, zone), f"--zone {zone}: must be a lower-case domain name")
                for zone in self.zones
            ),
            *(
                (
                    re.fullmatch(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", organization),
                    f"--organization {organization}: must be letters, digits and inner hyphens, 39 at most",
                )
                for organization in self.organizations
            ),
        ]
        if offenders := [message for passed, message in checks if not passed]:
            raise SettingsError("\n".join(offenders))

    @property
    def api_url(self) -> str:
        """Where the API answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches API and edge."""
        return self.listen == LOOPBACK
