"""Which script a run may write, or remove: what its claims and the app's declaration say. Pure."""

import re
from dataclasses import dataclass

from control_plane.apps import Declaration, Place
from control_plane.broker.calls import Call
from control_plane.broker.identity import Run
from control_plane.broker.refusals import Refused
from control_plane.pipeline import BRANCHES, WORKFLOW
from infra.names import MAX_PULL_REQUEST, AppEnvironment, Script, parse_script
from infra.outputs import PlatformOutputs

_BY_REF = {f"refs/heads/{branch}": environment for branch, environment in BRANCHES.items()}
BY_BRANCH = frozenset({"push", "workflow_dispatch"})
"""The events that deploy a branch: somebody who may push has pushed, or has the workflow run again."""
PULL_REQUEST = "pull_request"
_MERGE_REF = re.compile("refs/pull/([1-9][0-9]*)/merge")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A script; `place` is the app's in the script's app environment. A pull request's has its tags and bindings."""

    app_id: str
    environment: AppEnvironment
    place: Place
    script: str
    pull_request: int | None = None

    @property
    def tags(self) -> list[str]:
        return [*self.place.tags, *([] if self.pull_request is None else [f"pull-request-{self.pull_request}"])]


def target(run: Run, declaration: Declaration, platform: PlatformOutputs) -> Target:
    """The script that the run may write. Raises `Refused` (403)."""
    _check_origin(run, declaration, platform)
    if not run.workflow_ref == run.job_workflow_ref == f"{run.repository}/{WORKFLOW}@{run.ref}":
        raise Refused(403, f"only {WORKFLOW} of the ref that is deployed may deploy, not {run.job_workflow_ref}")
    environment, pull_request = _place(run)
    if run.environment != environment:
        raise Refused(
            403,
            f"the job has to name its environment, so that its protection rules hold: `environment: {environment}`; "
            + (f"it names {run.environment!r}" if run.environment else "it names none"),
        )
    return script_of(declaration, environment, pull_request)


def removable(run: Run, declaration: Declaration, platform: PlatformOutputs, script: str) -> Target:
    """The preview `script`, if the run may remove it: that of its own pull request.

    The ref of a pull request that was merged is the branch that it was merged into, so which one it was is not in the
    token: such a run may remove any preview of its app whose pull request is closed. Raises `Refused` (403).
    """
    _check_origin(run, declaration, platform)
    named = parse_script(script)
    if not named or named.app_id != declaration.app_id or named.pull_request is None:
        raise Refused(403, f"a run may remove the preview of a pull request of its own; {script} is none of them")
    own = _MERGE_REF.fullmatch(run.ref)
    if run.event_name != PULL_REQUEST or (own and int(own[1]) != named.pull_request):
        raise Refused(403, f"{script} is removed by a run of its own pull request, not one of {_told(run)}")
    return script_of(declaration, "preview", named.pull_request)


def check_path(call: Call, target: Target, platform: PlatformOutputs) -> None:
    """That the call is about the script that its run may write. Raises `Refused` (403) with all that is not."""
    wanted = [
        ("account", call.account, platform.account_id),
        ("script", call.script, target.script),
        *([("namespace", call.namespace, target.place.namespace)] if call.namespace else []),
    ]
    if wrong := [f"{what} {sent}, not {own}" for what, own, sent in wanted if own != sent]:
        raise Refused(403, f"this run deploys to {', '.join(wrong)}")


def _check_origin(run: Run, declaration: Declaration, platform: PlatformOutputs) -> None:
    """The token is one of the app's own pipeline, in its own organisation."""
    if run.repository_id != declaration.repository_id:
        raise Refused(403, f"{run.repository} is not the repository of app {declaration.app_id}")
    if run.repository_owner.lower() != platform.github_organization.lower():
        raise Refused(403, f"{run.repository} has left the organisation {platform.github_organization}")
    files = {reference.partition("@")[0] for reference in (run.workflow_ref, run.job_workflow_ref)}
    if files != {f"{run.repository}/{WORKFLOW}"}:
        raise Refused(403, f"only the app's own {WORKFLOW} may deploy, not {run.job_workflow_ref}")


def _place(run: Run) -> tuple[AppEnvironment, int | None]:
    if run.event_name in BY_BRANCH and run.ref in _BY_REF:
        return _BY_REF[run.ref], None
    merge = _MERGE_REF.fullmatch(run.ref)
    if run.event_name == PULL_REQUEST and merge and int(merge[1]) <= MAX_PULL_REQUEST:
        return "preview", int(merge[1])
    raise Refused(
        403,
        f"{_told(run)} deploys nothing: a push to main deploys production, one to staging staging, "
        "and a pull request its preview",
    )


def script_of(declaration: Declaration, environment: AppEnvironment, pull_request: int | None) -> Target:
    place = declaration.places.get(environment)
    if place is None:
        raise Refused(403, f"app {declaration.app_id} has no app environment {environment}")
    name = Script(app_id=declaration.app_id, environment=environment, pull_request=pull_request).name
    return Target(
        app_id=declaration.app_id, environment=environment, place=place, script=name, pull_request=pull_request
    )


def _told(run: Run) -> str:
    return f"the event {run.event_name} of {run.ref}"
