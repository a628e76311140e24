"""Runs what waits in the store, so many workflows at once, each by one act; writes down how it goes.

What a run had under way when the local cloud ended, or was set back, has failed: `end_interrupted`.
"""

import asyncio
import logging
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from local_cloud.actions import act, deploys, processes, runs
from local_cloud.actions.act import Plan, PlanError
from local_cloud.actions.log_lines import stamped
from local_cloud.actions.masks import Masks
from local_cloud.actions.progress import Change, JobProgress, Progress
from local_cloud.cloud import Cloud
from local_cloud.github.events import Event
from local_cloud.github.outbox import announce
from local_cloud.github.repository import find
from local_cloud.store import Document
from local_cloud.writes import Writes

CANCEL_SECONDS = 7.5
"""Between the request and the end by force: for steps with `always()` and `cancelled()`."""

CHUNK_BYTES = 64 * 1024
INTERRUPTED = "The local cloud ended, or was set back, while this ran."

log = logging.getLogger(__name__)


class Runner:
    """Starts runs in the background. Every method belongs to the event loop."""

    def __init__(self, cloud: Cloud, writes: Writes) -> None:
        self._cloud = cloud
        self._writes = writes
        # By guid: ids begin anew after a reset.
        self._executions: dict[str, _Execution] = {}
        self._stopped = False

    def schedule(self) -> None:
        """Begin what is queued, as places are free, and end what is to be cancelled or is gone; between two calls."""
        if self._stopped:
            return
        active = {_key(run): (repository, run) for repository, run in runs.active(self._cloud)}
        for key, execution in self._executions.items():
            if key not in active:
                execution.abandon()
            elif active[key][1]["cancel"]:
                execution.cancel()
        for key, (repository, run) in active.items():
            busy = sum(not execution.ended for execution in self._executions.values())
            if run["status"] == "queued" and key not in self._executions and busy < self._cloud.settings.runs_at_once:
                self._begin(key, repository, run)

    async def stop(self) -> None:
        """End what runs; it has failed."""
        self._stopped = True
        tasks = [execution.task for execution in self._executions.values() if execution.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._writes.run(partial(_end_interrupted, self._cloud))

    def _begin(self, key: str, repository: Document, run: Document) -> None:
        execution = self._executions[key] = _Execution(self._cloud, self._writes, repository, run)
        execution.task = asyncio.create_task(execution.run())
        execution.task.add_done_callback(lambda _: self._executions.pop(key))


class _Execution:
    """One attempt of one run. `ended` is set as soon as its place is free."""

    def __init__(self, cloud: Cloud, writes: Writes, repository: Document, run: Document) -> None:
        self._cloud = cloud
        self._writes = writes
        self._owner, self._name = repository["owner"], repository["name"]
        self._run = run
        self._folder = cloud.state.actions / "runs" / _key(run)
        self._logs = _logs_of(cloud, run)
        self._tracking_id = act.tracking_id(cloud, run)
        self._process: asyncio.subprocess.Process | None = None
        self._cancelled = False
        self.ended = False
        self.task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Ask act to end as GitHub's runner does, and make it after a while."""
        if not self._cancelled:
            self._cancelled = True
            self._interrupt()

    def abandon(self) -> None:
        """End act at once: nobody wants to know any more."""
        if self.task and self._process and self._process.returncode is None:
            self.task.cancel()

    async def run(self) -> None:
        try:
            plan = await self._writes.run(self._planned)
            if plan:
                await self._execute(plan)
        except Exception:
            log.exception("run %d of %s/%s", self._run["id"], self._owner, self._name)
            await self._writes.run(partial(self._complete, "failure", "The local cloud failed: see its log."))
        finally:
            shutil.rmtree(self._logs, ignore_errors=True)
            self.ended = True
            await self._writes.catch_up()

    def _planned(self) -> Plan | None:
        """What is to be done, once it is written down that the run has begun; None if there is nothing to do."""
        found = self._current()
        if not found or found[1]["status"] != "queued":
            return None
        repository, run = found
        run, events = runs.begin(self._cloud, repository, run)
        self._announce(repository, events)
        try:
            return act.plan(self._cloud, repository, run)
        except PlanError as error:
            self._announce(repository, runs.refuse(self._cloud, repository, run, str(error)))
            return None

    async def _execute(self, plan: Plan) -> None:
        await asyncio.to_thread(act.write, plan, self._folder)
        self._logs.mkdir(parents=True, exist_ok=True)
        progress = Progress(plan.workflow, plan.run, plan.contexts, Masks(plan.hidden))
        self._process = await asyncio.create_subprocess_exec(
            *act.command(plan, self._folder),
            cwd=self._folder,
            env=act.environment(self._cloud, plan, self._folder),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
        )
        if self._cancelled:
            self._interrupt()
        try:
            async for lines in _printed(self._process):
                for line in lines:
                    change = progress.read(line)
                    if change and not await self._writes.run(partial(self._record, change)):
                        return
                self._write_logs(progress)
            code = await self._process.wait()
        finally:
            await asyncio.to_thread(self._clean_up)
        await self._writes.run(partial(self._finish, progress, code))

    def _clean_up(self) -> None:
        processes.end(self._tracking_id)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _interrupt(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGINT)
            loop = asyncio.get_running_loop()
            loop.call_later(CANCEL_SECONDS, loop.run_in_executor, None, processes.end, self._tracking_id)

    def _record(self, change: Change) -> bool:
        """Write down what has become of a job; False if nobody is interested any more."""
        found = self._current()
        if not found or found[1]["status"] != "in_progress":
            return False
        repository, run = found
        job, is_new = change.progress.document, "id" not in change.progress.document
        if is_new:
            job["id"] = self._cloud.store.next_number()
            queued = {**job, "status": "queued"}
            self._announce(repository, runs.put_job(self._cloud, repository, run, queued, "queued"))
            change.progress.document, events = deploys.begin(self._cloud, repository, run, job)
            job = change.progress.document
            self._announce(repository, events)
        if change.action in {"", "in_progress"}:
            self._announce(repository, runs.put_job(self._cloud, repository, run, job, change.action))
        else:
            self._complete_job(repository, run, change.progress, change.action)
        return True

    def _complete_job(self, repository: Document, run: Document, progress: JobProgress, conclusion: str) -> None:
        job = progress.document
        conclusion = "cancelled" if self._cancelled and conclusion != "success" else conclusion
        self._announce(repository, runs.complete_job(self._cloud, repository, run, job, conclusion))
        progress.document |= {"status": "completed", "conclusion": conclusion}
        self._write_log(progress)
        runs.put_log(self._cloud, repository, job, _log_file(self._logs, job).read_text())

    def _finish(self, progress: Progress, code: int) -> None:
        """act has ended."""
        found = self._current()
        if not found or found[1]["status"] != "in_progress":
            return
        repository, run = found
        conclusion = "cancelled" if self._cancelled else "failure" if code else "success"
        for job in progress.jobs:
            if job.document["status"] != "completed":
                self._complete_job(repository, run, job, conclusion)
        unseen = progress.unseen()
        for job in unseen:
            job.document["id"] = self._cloud.store.next_number()
            skipped = "cancelled" if self._cancelled else "skipped"
            job.document["steps"] = []
            self._announce(repository, runs.complete_job(self._cloud, repository, run, job.document, skipped))
        problem = "" if progress.jobs else "\n".join(progress.notes)
        if not progress.jobs and not code and not self._cancelled:
            conclusion = "skipped"
        self._announce(repository, runs.complete(self._cloud, repository, run, conclusion, problem))

    def _complete(self, conclusion: str, problem: str) -> None:
        if (found := self._current()) and found[1]["status"] != "completed":
            self._announce(found[0], runs.complete(self._cloud, *found, conclusion, problem))

    def _current(self) -> tuple[Document, Document] | None:
        """Repository and run as the store has them now, if they are still those that were begun."""
        repository = find(self._cloud, self._owner, self._name)
        run = repository and runs.run_of(self._cloud, repository, self._run["id"])
        return (repository, run) if repository and run and _key(run) == _key(self._run) else None

    def _announce(self, repository: Document, events: list[Event]) -> None:
        for event in events:
            announce(self._cloud, repository, event)

    def _write_logs(self, progress: Progress) -> None:
        for job in progress.jobs:
            if job.unwritten:
                self._write_log(job)

    def _write_log(self, progress: JobProgress) -> None:
        """On disk at once: whatever happens, it is not lost."""
        with _log_file(self._logs, progress.document).open("a") as file:
            file.write(progress.unwritten)
        progress.unwritten = ""


def end_orphans(cloud: Cloud) -> None:
    """End what an earlier local cloud with this state has left behind when it was killed."""
    processes.end(act.tracking_id(cloud))
    for name in ("runs", "logs"):
        shutil.rmtree(cloud.state.actions / name, ignore_errors=True)


def end_interrupted(cloud: Cloud) -> None:
    """What is in progress before anything is run was so when the process, or a snapshot, was cut off: it has failed."""
    with cloud.store.transaction():
        _end_interrupted(cloud)


def _end_interrupted(cloud: Cloud) -> None:
    for repository, run in runs.active(cloud):
        if run["status"] != "in_progress":
            continue
        for job in runs.jobs_of(cloud, repository, run):
            if job["status"] != "completed":
                path = _log_file(_logs_of(cloud, run), job)
                text = path.read_text(errors="replace") if path.exists() else ""
                runs.put_log(cloud, repository, job, text + stamped(f"##[error]{INTERRUPTED}"))
        for event in runs.complete(cloud, repository, run, "failure", INTERRUPTED):
            announce(cloud, repository, event)


def _key(run: Document) -> str:
    return f"{run['guid']}-{run['run_attempt']}"


def _logs_of(cloud: Cloud, run: Document) -> Path:
    """Where the logs of jobs that go on are; the store has those of the others."""
    return cloud.state.actions / "logs" / _key(run)


def _log_file(logs: Path, job: Document) -> Path:
    return logs / str(job["id"])


async def _printed(process: asyncio.subprocess.Process) -> AsyncIterator[list[str]]:
    """What it prints, by lines, however long one is."""
    assert process.stdout  # noqa: S101 - it is a pipe
    rest = b""
    while chunk := await process.stdout.read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        yield [line.decode(errors="replace") for line in lines]
    if rest:
        yield [rest.decode(errors="replace")]
