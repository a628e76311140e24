"""Pulumi's engine as a child process: its environment, its runs, and what they report."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.credentials import SECRET_VARIABLES
from overskill.backend import REMEDY, Backend
from overskill.errors import CommandError
from overskill.project import Project

NO_SUCH_STACK = 6
UNEVENTFUL = ("same", "read", "refresh")
HALVES = ("create-replacement ", "delete-replaced ")
"""How steps begin of which a replacement is made."""
UNASKED = ("--yes", "--skip-preview")
STACK = "pulumi:pulumi:Stack"
"""The type of the resource that a whole stack is."""
ALWAYS = {
    "PULUMI_DEBUG_COMMANDS": "1",  # without it, the engine does not know the option --event-log
    "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "1",
    # A stack file that was written anew, such as on another machine, does not say what the state is encrypted with.
    "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
}
"""What a run needs in its environment wherever its stack is."""
REAL_CREDENTIALS = (
    *SECRET_VARIABLES,
    "CLOUDFLARE_EMAIL",
    "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_APP_PEM_FILE",
)


def local_environment(project: Project, credentials: Mapping[str, str]) -> dict[str, str]:
    """What a run against the local cloud needs, and nothing of the user's that leads to a real account.

    The state is kept in files below `.overskill`, encrypted with a passphrase of this checkout's own.
    """
    environment = {key: value for key, value in os.environ.items() if key not in REAL_CREDENTIALS}
    return environment | {
        "CLOUDFLARE_API_TOKEN": credentials["CLOUDFLARE_API_TOKEN"],
        "GITHUB_TOKEN": credentials["GITHUB_TOKEN"],
        "OVERSKILL_WEBHOOK_SECRET": credentials["OVERSKILL_WEBHOOK_SECRET"],
        # Without metadata: the engine does not write its sidecar files (`*.attrs`) whole, and one that a kill -9 left
        # empty makes the stack unreadable ("failed to load checkpoint: EOF").
        "PULUMI_BACKEND_URL": f"file://{project.backend}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(project.secret_file("passphrase")),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        **ALWAYS,
    }


class EngineError(CommandError):
    """The engine could not answer; the message holds its own words."""


@dataclass
class Outcome:
    """How a run ended. `changes` counts resources by what was done to them, such as `{"create": 3, "same": 9}`.

    `steps` are those that change something, such as `update NamespaceScript shop-preview`; `results` is the engine's
    own account of each, and of what a refresh has found to differ. `outputs` are the stack's, its secrets hidden.
    `errors` and `warnings` are the engine's and the program's; `violations` are what policies refused.
    """

    code: int
    log: Path
    changes: dict[str, int] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    results: list[Mapping[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.code == 0

    def summary(self) -> str:
        """`3 created, 9 unchanged`."""
        words = {
            "create": "created",
            "same": "unchanged",
            "update": "updated",
            "delete": "deleted",
            "replace": "replaced",
        }
        counts = [f"{self.changes[op]} {word}" for op, word in words.items() if self.changes.get(op)]
        return ", ".join(counts) or "nothing to do"

    def diff(self) -> str:
        """The steps as a diff in Markdown; what is replaced is one line of it."""
        if not self.steps:
            return "Nothing changes.\n"
        told = [step for step in self.steps if not step.startswith(HALVES)]
        lines = "\n".join(_signed(*step.split(" ", 1)) for step in told)
        return f"```diff\n{lines}\n```\n"

    def failure(self) -> str:
        """What went wrong, in the engine's and the providers' own words."""
        told = [*self.warnings, *self.violations, *self.errors]
        return "\n".join(told) or "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


@dataclass(frozen=True)
class Engine:
    """The engine, run in `folder` (the one of a Pulumi.yaml) with `environment`.

    What `up` is about to do has to pass the policy pack of `policies`, if that is given. With a `lease`, an open
    file's descriptor, the engine keeps that file open as long as it lives, and a terminal's Ctrl-C doesn't reach it.
    What is secret in the state of a stack that it makes is encrypted by `secrets_provider`, or the passphrase of the
    environment.
    """

    project: Project
    folder: Path
    environment: Mapping[str, str]
    policies: Path | None = None
    lease: int | None = None
    secrets_provider: str = ""

    @property
    def logs(self) -> Path:
        return self.project.logs

    @cached_property
    def backend(self) -> Backend:
        """As the environment says, else as `pulumi login` has noted. Raises `EngineError` where nothing does."""
        if not (url := self.environment.get("PULUMI_BACKEND_URL")):
            try:
                url = json.loads(self.capture("whoami", "--json", "--verbose"))["url"]
            except EngineError as error:
                raise EngineError(f"{error}\n{REMEDY}") from None
        return Backend(url, self.folder)

    def up(self, stack: str, *, refresh: bool = False, target: str = "", plan: Path | None = None) -> Outcome:
        """Bring the stack to what its program says, made if need be; `refresh` looks first at what exists.

        With a `target`, a pattern of URNs, nothing else is touched; with a `plan`, a file of `save_plan`, nothing is
        done that is not in it.
        """
        flags = [*(["--refresh"] if refresh else []), *self._with_policies]
        flags += ["--target", target] if target else []
        flags += ["--plan", str(plan), "--config-file", str(planned_config(plan))] if plan else []
        outcome = self._operate("up", stack, *UNASKED, *flags)
        if outcome.code == NO_SUCH_STACK:
            self.capture(*self._init(stack))
            outcome = self._operate("up", stack, *UNASKED, *flags)
        return outcome

    def save_plan(self, stack: str, file: Path) -> Outcome:
        """Write what `up` would do to a file, for an `up` that does this and no more; its secrets are encrypted.

        The configuration is kept beside it, with the salt that they are encrypted with.
        """
        config = planned_config(file)
        shutil.copyfile(self.folder / f"Pulumi.{stack}.yaml", config)
        words = ("--save-plan", str(file), "--config-file", str(config), *self._with_policies)
        return self._operate("preview", stack, *words)

    @property
    def _with_policies(self) -> Sequence[str]:
        return ("--policy-pack", str(self.policies)) if self.policies else ()

    def preview(self, stack: str, config: Path, *, refresh: bool = False) -> Outcome:
        """What `up` would do with the stack file `config`; a stack that does not exist ends it with `NO_SUCH_STACK`."""
        return self._operate("preview", stack, "--config-file", str(config), *(["--refresh"] if refresh else []))

    def preview_refresh(self, stack: str) -> Outcome:
        """What differs from the stack's state; a stack that does not exist ends it with `NO_SUCH_STACK`."""
        return self._operate("refresh", stack, "--preview-only")

    def make(self, stack: str) -> None:
        """Make a stack that is not there yet, which saves `up` an attempt; what goes wrong, the run after it tells."""
        self._run(self._init(stack), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _init(self, stack: str) -> Sequence[str]:
        """A provider that the stack file names counts for nothing here."""
        provider = ("--secrets-provider", self.secrets_provider) if self.secrets_provider else ()
        return ("stack", "init", stack, "--no-select", *provider)

    def destroy(self, stack: str, *, refresh: bool = False) -> Outcome:
        """Delete all that the stack has, and the stack; one that does not exist has nothing. `refresh` as with `up`."""
        outcome = self._operate("destroy", stack, *UNASKED, "--remove", *(("--refresh",) if refresh else ()))
        return Outcome(0, outcome.log) if outcome.code == NO_SUCH_STACK else outcome

    def preview_creates(self, stack: str, import_file: Path) -> list[dict[str, Any]]:
        """The custom resources that a run would create; `import_file` gets the engine's list of them, without ids.

        What is secret among their inputs, and be it to the provider alone, is `[secret]`.
        """
        arguments = ("--json", "--non-interactive", "--import-file", str(import_file))
        steps = json.loads(self.capture("preview", "--stack", stack, *arguments)).get("steps", [])
        return [s["newState"] for s in steps if s["op"] == "create" and s["newState"].get("custom")]

    def import_resources(self, stack: str, import_file: Path) -> None:
        """Take the resources that `import_file` names into the stack's state as they are."""
        self.capture(
            *("import", "--stack", stack, "--file", str(import_file), "--yes", "--skip-preview", "--non-interactive"),
            *("--protect=false", "--generate-code=false"),
        )

    def capture(self, *arguments: str) -> str:
        """Run `pulumi ARGUMENTS` and return its standard output. Raises `EngineError` where it fails."""
        run = self._run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if run.returncode != 0:
            raise EngineError(f"pulumi {' '.join(arguments)} failed:\n{run.stderr.strip() or run.stdout.strip()}")
        return run.stdout

    def _operate(self, operation: str, stack: str, *flags: str) -> Outcome:
        log = self.logs / f"pulumi-{operation}-{stack}.log"
        events = log.with_suffix(".events")
        events.unlink(missing_ok=True)
        arguments = (operation, "--stack", stack, "--non-interactive", *flags)
        with log.open("w") as output:
            run = self._run(
                (*arguments, "--color", "never", "--event-log", str(events)), stdout=output, stderr=subprocess.STDOUT
            )
        return outcome_of(run.returncode, log, events)

    def _run(self, arguments: Sequence[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        try:
            return subprocess.run(
                ["pulumi", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                check=False,
                pass_fds=() if self.lease is None else (self.lease,),
                start_new_session=self.lease is not None,
                **options,
            )
        finally:
            self.project.forget_salt()


def planned_config(plan: Path) -> Path:
    """The configuration of a plan, in a file beside it."""
    return plan.with_name(f"{plan.name}.yaml")


def outcome_of(code: int, log: Path, events: Path) -> Outcome:
    """How a run ended, by its exit code and its event log; the event log is used up."""
    outcome = Outcome(code, log)
    for line in events.read_text().splitlines() if events.exists() else ():
        event = json.loads(line)
        if summary := event.get("summaryEvent"):
            outcome.changes = summary["resourceChanges"]
        elif (step := event.get("resourcePreEvent", {}).get("metadata")) and _changes(step):
            outcome.steps.append(f"{step['op']} {_last(step['type'])} {_last(step['urn'])}")
        elif made := event.get("resOutputsEvent", {}).get("metadata"):
            if made["type"] == STACK:
                outcome.outputs = (made.get("new") or {}).get("outputs") or {}
            elif _changes(made):
                outcome.results.append(made)
        elif diagnostic := event.get("diagnosticEvent"):
            message = diagnostic["message"].strip()
            match diagnostic["severity"]:
                case "error":
                    outcome.errors.append(message)
                case "warning":
                    outcome.warnings.append(f"warning: {message.removeprefix('warning: ')}")
        elif (policy := event.get("policyEvent")) and policy["enforcementLevel"] == "mandatory":
            outcome.violations.append(f"policy {policy['policyName']}: {policy['message'].strip()}")
    events.unlink(missing_ok=True)
    return outcome


def _changes(step: Mapping[str, Any]) -> bool:
    """Whether something is done outside of the engine: components and providers are in it alone."""
    custom = (step.get("new") or step.get("old") or {}).get("custom", False)
    return custom and step["op"] not in UNEVENTFUL and not step["type"].startswith("pulumi:providers:")


def _signed(done: str, what: str) -> str:
    """`+ DnsRecord domain-wildcard`; what is neither made, changed nor deleted is replaced."""
    signs = {"create": "+", "delete": "-", "update": "~"}
    return f"{signs[done]} {what}" if done in signs else f"! {what} ({done})"


def _last(name: str) -> str:
    return name.rpartition(":")[2]
