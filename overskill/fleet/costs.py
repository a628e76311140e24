"""The calls that one app's run makes, by the resources that the app declares, as the local cloud counts them.

tests/e2e/test_fleet.py counts them again, tests/unit/test_fleet_costs.py holds them against the official plugins'.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from app_stacks.config import AppConfig
from infra.names import APP_ENVIRONMENTS
from overskill.engine import Outcome
from overskill.fleet.index import Entry
from overskill.fleet.limits import Calls
from overskill.fleet.scheduler import Operation

PLAN = Calls(cloudflare=2)
"""What a fleet run asks of the app store before it begins: which apps are suspended, and may be removed."""

SESSION = Calls(github=1)
"""What each run of the engine asks first, and one that finds nothing to do asks alone."""

CREATION: Mapping[str, Calls] = {
    "Repository": Calls(github=8, content=5),
    "RepositoryRuleset": Calls(github=2, content=1),
    "RepositoryWebhook": Calls(github=2, content=1),
    "RepositoryEnvironment": Calls(github=2, content=1),
    "ActionsRepositoryOidcSubjectClaimCustomizationTemplate": Calls(github=2, content=1),
    "ActionsVariable": Calls(github=2, content=1),
    "ActionsSecret": Calls(github=3, content=1),
    "RepositoryCollaborator": Calls(github=4, content=1),
    "TeamRepository": Calls(github=4, content=1),
    "NamespaceScript": Calls(cloudflare=2),
    "CustomHostname": Calls(cloudflare=2),
    "WorkersKv": Calls(cloudflare=2),
    "D1Database": Calls(cloudflare=2),
    "WorkersKvNamespace": Calls(cloudflare=2),
    "R2Bucket": Calls(cloudflare=2),
}
"""By a resource's type: no change of one takes more calls."""

OTHER = Calls(cloudflare=2, github=4, content=1)
"""Of a type that no app declares any more."""

SUSPEND = RESUME = Calls(cloudflare=2)
"""An app's state in the app store is read, and written or deleted."""

LOOK_AGAIN = Calls(cloudflare=1)
"""Whether an app is still to be removed."""

DELETE_REPOSITORY = Calls(github=2)
DATA = {"d1": "D1Database", "kv": "WorkersKvNamespace", "r2": "R2Bucket"}


class Costs:
    """Of one app's runs; `oidc_subject` as the platform's output has it, `namespaces` are its dispatch namespaces.

    A removed app's scripts are listed in each of those. One that no stack knows costs a call more, which nobody
    can tell before.
    """

    def __init__(self, app: AppConfig, *, oidc_subject: bool = False, namespaces: int = len(APP_ENVIRONMENTS)) -> None:
        declared = _resources(app, oidc_subject=oidc_subject)
        self.create = SESSION + _sum(CREATION[kind] for kind in declared.elements())
        self.refresh = SESSION + _sum(_once(kind) for kind in declared.elements())
        self.destroy = self.refresh + Calls(cloudflare=namespaces, content=1)

    def most(self, operation: Operation, entry: Entry | None) -> Calls:
        """The calls of a run at most, for an app with this `entry` in the index."""
        match operation:
            case "suspend":
                return SUSPEND
            case "destroy":
                return self.destroy + self.refresh + LOOK_AGAIN + RESUME + DELETE_REPOSITORY
            case "verify":
                return self.refresh + self.create
        return self.create if entry is None or entry.state == "done" else self.create + self.refresh

    def made(self, outcome: Outcome, *, refreshed: bool) -> Calls:
        """The calls of a run that has brought the app up: those of the steps that it took."""
        types = (step.split(" ")[1] for step in outcome.steps)
        return (self.refresh if refreshed else SESSION) + _sum(CREATION.get(kind, OTHER) for kind in types)


def _resources(app: AppConfig, *, oidc_subject: bool) -> Counter[str]:
    """How many of each type the app's stack has at most."""
    each = len(app.app_environments)
    return Counter(
        {
            **dict.fromkeys(("Repository", "RepositoryRuleset", "RepositoryWebhook"), 1),
            "RepositoryEnvironment": each,
            "ActionsRepositoryOidcSubjectClaimCustomizationTemplate": int(oidc_subject),
            "ActionsVariable": 1 + len(app.variables),
            "ActionsSecret": 1 + len(app.secrets) + (app.deploy_credentials == "token"),
            "RepositoryCollaborator": len(app.collaborators),
            "TeamRepository": int(app.team is not None),
            "NamespaceScript": each,
            "CustomHostname": len(app.hostnames),
            "WorkersKv": len(app.hostnames) + bool(app.plan or app.services),
            **{DATA[kind]: each for kind in app.data},
        }
    )


def _once(kind: str) -> Calls:
    """A call to the service of a resource."""
    return Calls(cloudflare=1) if CREATION[kind].cloudflare else Calls(github=1)


def _sum(calls: Iterable[Calls]) -> Calls:
    return sum(calls, Calls())


PLAIN = Costs(AppConfig(platform_stack="", app_id=""))
"""Of an app that declares nothing but itself, in three app environments."""
