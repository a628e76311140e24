"""The calls that one app's run makes, as the local cloud counts them (24 November 2026; stand-in plugins).

tests/e2e/test_fleet.py counts them again: what is reserved is at least what is made.
"""

from overskill.fleet.limits import Calls
from overskill.fleet.scheduler import Operation

SCRIPTS = 3
"""Of an app, one in each app environment."""

CREATE = Calls(cloudflare=2 * SCRIPTS, github=13, content=7)
REFRESH = Calls(cloudflare=SCRIPTS, github=4)
UPDATE = Calls(cloudflare=2 * SCRIPTS, github=6, content=3)
DESTROY = Calls(cloudflare=SCRIPTS, github=4)


def most(operation: Operation, *, known: bool) -> Calls:
    """The calls of a run at most; `known` is an app whose run has ended well before."""
    match operation:
        case "destroy":
            return DESTROY
        case "verify":
            return REFRESH + UPDATE
    return UPDATE if known else CREATE
