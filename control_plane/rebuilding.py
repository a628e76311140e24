"""The scripts of a platform, made again: from kept bundles and declarations, in its own namespaces or another's.

What a script shall be is read when its turn has come, under its lock: a push that comes first is not taken back.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app_stacks.namespace_script import BOOTSTRAP, COMPATIBILITY_DATE
from control_plane import apps, audit, deployments, repeats, served
from control_plane.app_store import AppState
from control_plane.apps import Declaration, Place
from control_plane.broker import permission
from control_plane.broker.bundles import Bundles
from control_plane.broker.kept import Uploader
from control_plane.broker.permission import Target
from control_plane.broker.refusals import Refused
from control_plane.database import Database
from control_plane.locks import ScriptLocks
from control_plane.tables import App, AuditEntry, Deployment
from infra.outputs import PlatformOutputs

DATA = frozenset({"d1", "kv_namespace", "r2_bucket", "service"})
"""Types of bindings that name something of one account."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """A script that is to be made. `bundle` and `files` are what was live last and is kept; without one, nothing was
    deployed, and the script is the bootstrap page. `older`: what was live last is not kept, and this came before.

    `secrets` are the names of those that its stack declares.
    """

    target: Target
    bundle: str | None
    files: int
    older: bool
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Miss:
    """What of a script could not be had again, and what brings it back."""

    script: str
    what: str
    mend: str


@dataclass(frozen=True)
class Rebuilt:
    """`seconds` until it was served, and by which proof; `calls` of Cloudflare's API."""

    seconds: float
    calls: int
    proof: str


def translated(declaration: Declaration, into: PlatformOutputs, *, account: str) -> Declaration:
    """An app as another platform has it: its namespaces, addresses and tags. Data is left out, and lies in `account`,
    unless that is the other platform's too."""
    places = {
        environment: _translated(place, into.namespaces[environment], into, account == into.account_id)
        for environment, place in declaration.places.items()
        if environment in into.namespaces
    }
    path = into.origins.path_url(declaration.places["production"].script)
    return declaration.model_copy(update={"places": places, "path_url": path})


def _translated(place: Place, namespace: str, into: PlatformOutputs, same_account: bool) -> Place:
    own = f"platform-{into.platform_environment}"
    return place.model_copy(
        update={
            "namespace": namespace,
            "url": into.origins.subdomain_url(place.script),
            "tags": [own if tag.startswith("platform-") else tag for tag in place.tags],
            "bindings": [one for one in place.bindings if same_account or one["type"] not in DATA],
        }
    )


def lost_data(declaration: Declaration, here: Declaration) -> Iterator[Miss]:
    """The bindings of an app that it has not `here`."""
    for environment, place in declaration.places.items():
        known = here.places.get(environment)
        if known is None:
            yield Miss(place.script, f"app environment {environment}", "the platform has none of it")
            continue
        names = {binding["name"] for binding in known.bindings}
        for binding in place.bindings:
            if binding["name"] not in names:
                what = f"binding {binding['name']} ({binding['type']})"
                yield Miss(place.script, what, "bring the app up there first, which makes its data, then rebuild it")


def items(records: Session, bundles: Bundles, declaration: Declaration) -> Iterator[Item]:
    """What an app's scripts shall be, by the `records` of its deployments."""
    for environment, place in declaration.places.items():
        uploads = deployments.uploads(records, place.script)
        kept = next((row for row in uploads if row.bundle), None)
        yield Item(
            target=permission.script_of(declaration, environment, None),
            bundle=kept.bundle if kept else None,
            files=_files(bundles, kept.bundle) if kept and kept.bundle else 0,
            older=bool(uploads) and kept is not uploads[0],
            secrets=tuple(one["name"] for one in place.bindings if one["type"] == "secret_text"),
        )


def _files(bundles: Bundles, digest: str) -> int:
    try:
        return len(bundles.open(digest)["assets"])
    except KeyError:
        return 0


def chosen(records: Session, app_ids: Collection[str]) -> list[App]:
    """The apps by their ids; all, if none is named. Raises `KeyError` with those that there are not."""
    query = sa.select(App).order_by(App.id)
    found = [app for app in records.scalars(query) if not app_ids or app.id in app_ids]
    if missing := sorted({*app_ids} - {app.id for app in found}):
        raise KeyError(", ".join(missing))
    return found


def state_of(records: Session, app: App) -> AppState | None:
    """Why an app is not served, as the audit has it; None for an active one."""
    if app.state == "active":
        return None
    suspensions = sa.select(AuditEntry).where(
        AuditEntry.subject == f"app:{app.id}", AuditEntry.action == "app.suspend", AuditEntry.result == "ok"
    )
    last = records.scalars(suspensions.order_by(AuditEntry.id.desc()).limit(1)).first()
    told: Mapping[str, Any] = last.details if last else {"reason": "as before", "since": app.updated_at}
    return AppState.model_validate({**told, "state": app.state})


@dataclass(frozen=True, kw_only=True)
class Rebuilder:
    """Makes scripts of one platform. `database` and `uploader.bundles` are its own, `source` and `bundles` those that
    the apps are read from; they may be the same. `seconds`: how long an address is waited for."""

    database: Database
    uploader: Uploader
    locks: ScriptLocks
    source: Database
    bundles: Bundles
    seconds: float
    actor: str

    def declare(self, app: App, here: Declaration) -> None:
        """The app is known where it is made."""
        with self.database.reading() as session:
            known = session.get(App, app.id)
        if known is None:
            with self.database.writing() as session:
                apps.declare(session, here, actor=self.actor, customer=app.customer)

    async def rebuild(self, item: Item, secrets: Mapping[str, str]) -> Rebuilt:
        """Make a script and look until it serves what it shall. Raises `Refused`."""
        target = item.target
        async with self.locks.held(target.script):
            found = await asyncio.to_thread(self._newest, target.script)
            if found is None:
                return Rebuilt(0.0, await self._bootstrap(target, secrets), "bootstrap page")
            if self.bundles is not self.uploader.bundles:
                await asyncio.to_thread(self._copy, str(found.bundle))
            calls = await self.uploader.put(target, str(found.bundle), secrets)
            row = await asyncio.to_thread(self._begun, target, found)
        seen = await served.until_served(self.uploader.bundles, str(found.bundle), target.place.url, self.seconds)
        await asyncio.to_thread(self._ended, row, seen.problem)
        if seen.problem:
            raise Refused(502, f"it was uploaded, and is not served: {seen.problem}")
        return Rebuilt(seen.seconds, calls, seen.proof)

    def _newest(self, script: str) -> Deployment | None:
        with self.source.reading() as session:
            return next((row for row in deployments.uploads(session, script) if row.bundle), None)

    def _copy(self, digest: str) -> None:
        try:
            self.bundles.copy(digest, self.uploader.bundles)
        except KeyError as missing:
            raise Refused(404, f"bundle {digest} is not kept, or not whole: file {missing} is missing") from None

    async def _bootstrap(self, target: Target, secrets: Mapping[str, str]) -> int:
        metadata = {"main_module": BOOTSTRAP.name, "compatibility_date": COMPATIBILITY_DATE}
        return await self.uploader.put_page(target, metadata, BOOTSTRAP, secrets)

    def _begun(self, target: Target, found: Deployment) -> Deployment:
        own = found.id if self.source is self.database else None
        with self.database.writing() as session:
            row = repeats.begun(session, target, found, source="rebuild", actor=self.actor, repeats=own)
            deed = audit.Deed(self.actor, "deploy.rebuild", f"script:{target.script}", details={"bundle": found.bundle})
            audit.append(session, deed)
        if row is None:
            raise Refused(404, f"app {target.app_id} was removed meanwhile")
        return row

    def _ended(self, row: Deployment, problem: str | None) -> None:
        with self.database.writing() as session:
            repeats.ended(session, row, "failed" if problem else "succeeded", problem)
