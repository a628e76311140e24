"""What act says while it runs a workflow, a line of JSON each time: read into jobs, their steps and their logs."""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local_cloud.actions.expressions import ExpressionError, interpolate
from local_cloud.actions.log_lines import stamped
from local_cloud.actions.masks import Masks
from local_cloud.actions.runs import new_job
from local_cloud.actions.workflow import Job, Workflow
from local_cloud.github.dialect import now
from local_cloud.store import Document

SET_UP, COMPLETE = "Set up job", "Complete job"
NOTES = 20


@dataclass
class JobProgress:
    """A job as it is now: its document, but for the id that the store gives; `unwritten` is what of its log
    is in no file yet, `outputs` what its steps have put out, by step and name."""

    job: Job
    document: Document
    unwritten: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def say(self, text: str) -> None:
        self.unwritten += stamped(text)

    def step(self, name: str) -> Document | None:
        return next((step for step in self.document["steps"] if step["name"] == name), None)


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something about a job that has to be written down; `action` is what is told of it, if anything is."""

    progress: JobProgress
    action: str = ""


class Progress:
    """The jobs of one run. `notes` are the last words that act said of no job."""

    def __init__(self, workflow: Workflow, run: Document, contexts: Mapping[str, Any], masks: Masks) -> None:
        self._workflow = workflow
        self._run = run
        self._contexts = contexts
        self._masks = masks
        self._jobs: dict[tuple[str, str], JobProgress] = {}
        self.notes: deque[str] = deque(maxlen=NOTES)

    @property
    def jobs(self) -> list[JobProgress]:
        return list(self._jobs.values())

    def unseen(self) -> list[JobProgress]:
        """The jobs that act has not begun."""
        seen = {key for key, _ in self._jobs}
        return [self._new(job, {}) for job in self._workflow.jobs.values() if job.id not in seen]

    def read(self, line: str) -> Change | None:
        """Take one line; returns what it changes, but for lines of a log."""
        try:
            entry = json.loads(line)
        except ValueError:
            entry = {"msg": line}
        if entry.get("jobID") not in self._workflow.jobs:
            self.notes.append(self._masks.hide(str(entry.get("msg", "")).strip()))
            return None
        key = (entry["jobID"], json.dumps(entry.get("matrix") or {}, sort_keys=True))
        if key not in self._jobs:
            progress = self._jobs[key] = self._new(self._workflow.jobs[entry["jobID"]], entry.get("matrix") or {})
            progress.document |= {"status": "in_progress", "started_at": now()}
            _begin(progress.document["steps"][0])
            self._log(progress, entry)
            return Change(progress=progress, action="in_progress")
        progress = self._jobs[key]
        self._log(progress, entry)
        return self._step(progress, entry)

    def _new(self, job: Job, matrix: Mapping[str, Any]) -> JobProgress:
        names = [SET_UP, *(step.name for step in job.steps), COMPLETE]
        document = new_job(
            self._run,
            self._masks.hide(self._name(job, matrix)),
            key=job.id,
            matrix=dict(matrix),
            labels=list(job.labels),
            steps=[_new_step(name, number) for number, name in enumerate(names, start=1)],
            environment=interpolate(job.environment, self._contexts),
        )
        return JobProgress(job=job, document=document)

    def _name(self, job: Job, matrix: Mapping[str, Any]) -> str:
        if job.name:
            try:
                return interpolate(job.name, {**self._contexts, "matrix": matrix})
            except ExpressionError:
                return job.name
        values = ", ".join(str(value) for value in matrix.values())
        return f"{job.id} ({values})" if values else job.id

    def _environment_url(self, progress: JobProgress) -> str:
        """Where what the job has deployed is to be seen, empty if that can't be told, or must not."""
        steps = {step: {"outputs": outputs} for step, outputs in progress.outputs.items()}
        contexts = {**self._contexts, "matrix": progress.document["matrix"], "steps": steps}
        try:
            url = interpolate(progress.job.environment_url, contexts)
        except ExpressionError as error:
            progress.say(f"##[warning]environment.url: {error}")
            return ""
        if self._masks.hide(url) != url:
            progress.say("##[warning]Skip setting environment url as it may contain secret.")
            return ""
        return url

    def _step(self, progress: JobProgress, entry: Mapping[str, Any]) -> Change | None:
        document = progress.document
        if result := entry.get("jobResult"):
            document["environment_url"] = self._environment_url(progress)
            return Change(progress=progress, action=result)
        step = self._step_of(progress, entry)
        if not step or step["status"] == "completed":
            return None
        if conclusion := entry.get("stepResult"):
            if step["status"] == "queued" and conclusion != "skipped":
                _begin(step)
            step |= {"status": "completed", "conclusion": conclusion, "completed_at": now()}
            step["started_at"] = step["started_at"] or step["completed_at"]
        elif entry.get("msg", "").startswith("⭐ Run ") and step["status"] == "queued":
            if entry.get("step") and "${{" in step["name"]:
                step["name"] = self._masks.hide(entry["step"])
            _begin(step)
        else:
            return None
        document["steps"].sort(key=lambda step: step["number"])
        return Change(progress=progress)

    def _step_of(self, progress: JobProgress, entry: Mapping[str, Any]) -> Document | None:
        steps, ids = progress.document["steps"], entry.get("stepID") or []
        if entry.get("stepid") == ["--setup-job"]:
            return steps[0]
        if entry.get("stepid") == ["--complete-job"]:
            return steps[-1]
        position = next((at for at, step in enumerate(progress.job.steps) if [step.id] == ids), None)
        if position is None or entry.get("stage") == "Pre":
            return None
        if entry.get("stage") != "Post":
            return steps[position + 1]
        name = f"Post {progress.job.steps[position].name}"
        if not progress.step(name):
            steps.insert(-1, _new_step(name, len(steps)))
            steps[-1]["number"] = len(steps)
        return progress.step(name)

    def _log(self, progress: JobProgress, entry: Mapping[str, Any]) -> None:
        """The line in the form of GitHub's logs."""
        text = str(entry.get("msg", "")).rstrip("\r\n")
        kind, argument = entry.get("command"), str(entry.get("arg", ""))
        if kind == "add-mask":
            self._masks.add(argument)
        elif kind in {"group", "error", "warning", "notice"}:
            progress.say(self._masks.hide(f"##[{kind}]{argument}"))
        elif kind == "set-output":
            step = "/".join(entry.get("stepID") or [])
            progress.outputs.setdefault(step, {})[str(entry.get("name"))] = argument
        elif kind == "endgroup":
            progress.say("##[endgroup]")
        elif kind:
            return
        elif entry.get("raw_output"):
            progress.say(self._masks.hide(text))
        elif text.startswith("⭐ Run ") and entry.get("stage") in {"Main", "Post"}:
            what = text.removeprefix("⭐ Run ").removeprefix("Main ")
            progress.say(self._masks.hide(f"##[group]Run {what}\n##[endgroup]"))
        elif entry.get("level") in {"error", "warning"}:
            text = re.sub(r"^exit status (\d+)$", r"Process completed with exit code \1.", text.strip())
            progress.say(self._masks.hide(f"##[{entry['level']}]{text}"))


def _new_step(name: str, number: int) -> Document:
    times = {"started_at": None, "completed_at": None}
    return {"name": name, "status": "queued", "conclusion": None, "number": number, **times}


def _begin(step: Document) -> None:
    step |= {"status": "in_progress", "started_at": now()}
