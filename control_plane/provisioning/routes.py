"""`POST /api/apps`, `DELETE /api/apps/{id}`, `GET` and `DELETE /api/provisions/{id}`."""

import datetime as dt
import uuid
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Header, HTTPException, Response
from sqlalchemy.orm import Session

from control_plane import audit
from control_plane.access import Caller, requires
from control_plane.provisioning import queue, records
from control_plane.provisioning.request import AppRequest
from control_plane.state import GivenPlane, Plane
from control_plane.tables import App, Provision

router = APIRouter(prefix="/api", tags=["provisioning"])

Writer = Annotated[Caller, requires("apps:write")]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=255, description="The same key and request again: the same provision"),
]

UNKNOWN = (
    "there is a stack of {app} that the records do not know, as after the database was lost: nothing was changed. "
    "Either of these makes it known again: ./dev backup restore FILE --stack {stack}, of a backup that has it; or "
    "./dev fleet apply FILE --verify --stack {stack}, of a file that lists it as its stack file says"
)


@router.post("/apps", status_code=202)
def create_app(plane: GivenPlane, caller: Writer, request: AppRequest, response: Response, key: Key = None) -> Any:
    """Begin to make an app; the answer says where to look how far that is."""
    if problems := list(request.misfits(plane.settings.platform)):
        raise HTTPException(422, problems)
    content = request.model_dump(mode="json", exclude_unset=True)
    with plane.database.writing() as session:
        found = _same(session, caller, key)
        if found and (found.action, found.request) != ("create", content):
            raise HTTPException(422, "this Idempotency-Key was used for another request: choose another one")
        provision = found or _begin_making(session, plane, caller, request, content, key)
        answer = records.public(provision)
    return _accepted(plane, answer, response)


@router.delete("/apps/{app_id}", status_code=202)
def destroy_app(plane: GivenPlane, caller: Writer, app_id: str, response: Response) -> Any:
    """Begin to remove an app with its scripts and its stack, without a time of grace."""
    with plane.database.writing() as session:
        provision = records.underway(session, app_id)
        if provision and provision.action != "destroy":
            raise HTTPException(409, f"{app_id} is being made: DELETE /api/provisions/{provision.id} ends that")
        if provision is None:
            made = session.get(App, app_id)
            if made is None and not session.scalar(sa.select(Provision.id).where(Provision.app_id == app_id).limit(1)):
                raise HTTPException(404, f"there is no app {app_id}")
            provision = _begin(session, plane, caller, "destroy", app_id, customer=made and made.customer)
        answer = records.public(provision)
    return _accepted(plane, answer, response)


@router.get("/provisions/{provision_id}")
def provision(plane: GivenPlane, caller: Annotated[Caller, requires("apps:read")], provision_id: str) -> Any:
    """How far it is: `status` is `ready` once the app answers. Each step is also an event, `provision.step`."""
    with plane.database.reading() as session:
        return records.public(_found(session, provision_id))


@router.delete("/provisions/{provision_id}", status_code=202)
def cancel(plane: GivenPlane, caller: Writer, provision_id: str) -> Any:
    """Ask for the end of an app's making; what was made is removed, after the engine's run that goes on."""
    with plane.database.writing() as session:
        provision = _found(session, provision_id)
        if provision.action != "create":
            raise HTTPException(409, "a removal goes on to its end")
        if provision.status in records.ENDS:
            raise HTTPException(409, f"it is {provision.status}; DELETE /api/apps/{provision.app_id} removes an app")
        if provision.status != "cancelling":
            records.cancel(session, provision)
            _note(session, caller, "provision.cancel", provision)
        return records.public(provision)


def _begin_making(  # noqa: PLR0913, PLR0917 - each says something of it
    session: Session, plane: Plane, caller: Caller, request: AppRequest, content: dict[str, Any], key: str | None
) -> Provision:
    if session.get(App, request.app_id):
        raise HTTPException(409, f"there is an app {request.app_id}")
    if under := records.underway(session, request.app_id):
        raise HTTPException(409, f"there is a provision of {request.app_id} under way: /api/provisions/{under.id}")
    limit = plane.settings.apps_per_customer
    if problem := records.over_quota(session, request.customer, limit, request.app_id):
        raise HTTPException(409, problem)
    if plane.builder and plane.builder.has(request.app_id) and not records.left_behind(session, request.app_id):
        raise HTTPException(409, UNKNOWN.format(app=request.app_id, stack=plane.settings.platform_stack))
    key = key and f"{caller.actor} {key}"
    return _begin(session, plane, caller, "create", request.app_id, customer=request.customer, request=content, key=key)


def _begin(session: Session, plane: Plane, caller: Caller, action: str, app_id: str, **more: Any) -> Provision:
    if plane.builder is None:
        raise HTTPException(503, "this control plane makes no apps: it was started without an engine")
    now = dt.datetime.now(dt.UTC)
    begun = Provision(
        id=uuid.uuid4().hex,
        action=action,
        app_id=app_id,
        actor=caller.actor,
        status="queued",
        step="",
        steps={},
        created_at=now,
        updated_at=now,
        **{"request": {}, **more},
    )
    session.add(begun)
    session.flush()
    _note(session, caller, f"provision.{action}", begun)
    return begun


def _accepted(plane: Plane, answer: dict[str, Any], response: Response) -> dict[str, Any]:
    """Once it is kept: a server that is killed before this finds it there, and takes it up."""
    if plane.builder is not None and answer["status"] == "queued":
        queue.enqueue(answer["id"])
    response.headers["Location"] = f"/api/provisions/{answer['id']}"
    return answer


def _same(session: Session, caller: Caller, key: str | None) -> Provision | None:
    return key and session.scalar(sa.select(Provision).where(Provision.key == f"{caller.actor} {key}"))


def _found(session: Session, provision_id: str) -> Provision:
    found = session.get(Provision, provision_id)
    if found is None:
        raise HTTPException(404, f"there is no provision {provision_id}")
    return found


def _note(session: Session, caller: Caller, action: str, provision: Provision) -> None:
    details = {"provision": provision.id}
    deed = audit.Deed(caller.actor, f"{action}.request", f"app:{provision.app_id}", "ok", caller.origin, details)
    audit.append(session, deed)
