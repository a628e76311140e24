"""Mending what a sweep has found: by the engine where a stack has it, by name where none has. Never what is foreign."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from overskill import control_plane_records
from overskill.drift.apis import Apis
from overskill.drift.examine import engine_of
from overskill.drift.findings import Drift, Finding
from overskill.drift.sweep import MENDABLE
from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.fleet.lease import leased
from overskill.fleet.platform import Platform
from overskill.progress import step
from overskill.recovery import bring_up
from overskill.session import check


@dataclass(frozen=True, kw_only=True)
class Repair:
    """`stacks` are brought up with a look at what exists, `deleted` are deleted (a repository is archived).

    `left` is what stays, each with the reason.
    """

    stacks: Sequence[str]
    deleted: Sequence[Finding]
    left: Mapping[Finding, str]

    def __bool__(self) -> bool:
        return bool(self.stacks or self.deleted)

    def lines(self) -> Iterator[str]:
        """The plan, for people."""
        yield from (f"up --refresh  {stack}" for stack in self.stacks)
        verbs = {"Repository": "archive"}
        yield from (f"{verbs.get(one.resource, 'delete'):<13} {one.resource} {one.name}" for one in self.deleted)
        yield from (f"leave         {one.resource} {one.name}: {why}" for one, why in self.left.items())


def plan(findings: Sequence[Finding], drifts: Collection[Drift], named: Collection[str]) -> Repair:
    """`drifts` are the kinds to mend; of orphans, those that are `named` alone.

    Raises `CommandError` for a name that no orphan has.
    """
    orphans = {one.name for one in findings if one.drift == "orphan"}
    if unknown := sorted({*named} - orphans):
        raise CommandError(f"--delete: no orphan is called {', '.join(unknown)}; those that are: {_told(orphans)}")
    stacks, deleted, left = set(), [], {}
    for one in findings:
        if one.drift not in drifts:
            left[one] = f"--repair {one.drift} is not asked for"
        elif one.drift in MENDABLE:
            stacks.add(one.stack)
        elif one.drift == "foreign":
            left[one] = "it is somebody else's: talk to them"
        elif one.name not in named:
            left[one] = (
                f"--delete '{one.name}' would" if one.ours else "it has no mark of this platform: look whose it is"
            )
        elif one.ours:
            deleted.append(one)
        else:
            left[one] = "it has no mark of this platform: delete it by hand"
    return Repair(stacks=sorted(stacks), deleted=deleted, left=left)


def _told(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def carry_out(repair: Repair, platform: Platform, apis: Apis) -> None:
    """All of the plan, the platform's own stack first. Raises `CommandError` at the first that fails."""
    folder = platform.project.home / "fleet"
    folder.mkdir(exist_ok=True)
    with leased(folder / "lock"):
        for stack in sorted(repair.stacks, key=lambda stack: stack != platform.stack):
            _bring_up(platform, stack)
    for one in repair.deleted:
        _delete(apis, platform.config.overskill.account_id, one)


def _bring_up(platform: Platform, stack: str) -> None:
    own = stack == platform.stack
    app_id = stack.removeprefix(f"{platform.stack}.")
    project = platform.project
    engine = (
        Engine(project, project.root, platform.environment, policies=project.policies)
        if own
        else engine_of(platform, app_id)
    )
    with step(f"Stack {stack}: pulumi up --refresh") as running, project.marked_run(stack):
        outcome, _ = bring_up(
            engine, stack, platform.clouds(platform.config.github.owner if own else None), unfinished=True
        )
        check(outcome, f"pulumi up of stack {stack}")
        running.detail = outcome.summary()
    if not own:
        control_plane_records.declare(project, platform.stack, outcome.outputs)


def _delete(apis: Apis, account_id: str, one: Finding) -> None:
    """One that is gone already is no error."""
    match one.resource:
        case "NamespaceScript":
            namespace, _, script = one.name.partition("/")
            path = f"accounts/{account_id}/workers/dispatch/namespaces/{namespace}/scripts/{quote(script)}"
            apis.send("cloudflare", "DELETE", path, params={"force": "true"})
        case "Repository":
            apis.send("github", "PATCH", f"repos/{one.name}", json={"archived": True})
        case "ActionsVariable" | "ActionsSecret":
            repository, _, name = one.name.partition(" ")
            kind = "variables" if one.resource == "ActionsVariable" else "secrets"
            apis.send("github", "DELETE", f"repos/{repository}/actions/{kind}/{name}")
        case "RepositoryWebhook":
            repository, _, url = one.name.partition(" ")
            for hook in apis.github_pages(f"repos/{repository}/hooks"):
                if hook["config"]["url"] == url:
                    apis.send("github", "DELETE", f"repos/{repository}/hooks/{hook['id']}")
