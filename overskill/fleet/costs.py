"""The calls that one app's run makes, as the local cloud counts them (24 November 2026; stand-in plugins).

tests/e2e/test_fleet.py counts them again: what is reserved is at least what is made.
"""

from overskill.engine import Outcome
from overskill.fleet.index import Entry
from overskill.fleet.limits import Calls
from overskill.fleet.scheduler import Operation

SCRIPTS = 3
"""Of an app, one in each app environment."""

PLAN = Calls(cloudflare=2)
"""What a fleet run asks of the app store before it begins: which apps are suspended, and may be removed."""

CREATE = Calls(cloudflare=2 * SCRIPTS, github=24, content=12)
REFRESH = Calls(cloudflare=SCRIPTS, github=9)
UPDATE = CREATE
DESTROY = Calls(cloudflare=SCRIPTS, github=12, content=1)
SUSPEND = RESUME = Calls(cloudflare=2)
"""An app's state in the app store is read, and written or deleted."""

DELETE_REPOSITORY = Calls(github=2)
UNCHANGED = Calls(github=1)
"""What a run makes that finds nothing to do."""


def most(operation: Operation, entry: Entry | None) -> Calls:
    """The calls of a run at most, for an app with this `entry` in the index."""
    match operation:
        case "suspend":
            return SUSPEND
        case "destroy":
            return DESTROY + REFRESH + RESUME + DELETE_REPOSITORY
        case "verify":
            return REFRESH + CREATE
    if entry is None:
        return CREATE
    return UPDATE if entry.state == "done" else CREATE + REFRESH


def made(reserved: Calls, outcome: Outcome, *, refreshed: bool) -> Calls:
    """The calls that a run has made: fewer than reserved where it found nothing to do."""
    if not outcome.ok or outcome.changes.keys() - {"same"}:
        return reserved
    return REFRESH if refreshed else UNCHANGED
