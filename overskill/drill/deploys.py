"""The workflow of a deploy through the broker, as an app's pipeline makes it: assets, script, and what is recorded."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import sqlalchemy as sa

from control_plane.application import application
from control_plane.state import Plane
from control_plane.tables import Deployment
from overskill.drill.cloud import PREFIX, Cloud
from overskill.drill.faulty_calls import Workflow
from overskill.drill.plane import Issuer, declare, serving
from overskill.drill.row import require

ATTEMPTS = 4
"""What the pipeline makes of a deploy that fails for a passing reason, in `deploy.mjs`."""

JAVASCRIPT = "application/javascript+module"


class Failed(Exception):
    """The pipeline has given up, with the broker's own words."""


@contextmanager
def deploy(cloud: Cloud, plane: Plane, issuer: Issuer) -> Iterator[Workflow]:
    with serving(application(plane)) as url, httpx.Client(base_url=f"{url}/api/deploy", timeout=60) as http:

        def run(app_id: str) -> None:
            declare(plane.database, cloud, app_id)
            pipeline(http, cloud, app_id, issuer.token(app_id))

        def check(app_id: str) -> None:
            require(_code(app_id) in (cloud.code("production", app_id) or ""), "the script is not what was deployed")
            with plane.database.reading() as session:
                rows = session.scalars(sa.select(Deployment).where(Deployment.app_id == app_id)).all()
                require([row.status for row in rows] == ["uploaded"], f"there are {len(rows)} deployments of it")
                require(rows[0].bundle is not None, "its bundle was not kept")

        yield Workflow(name="deploy", run=run, check=check, told_by=Failed)


def pipeline(http: httpx.Client, cloud: Cloud, app_id: str, token: str) -> None:
    """Deploy the app by a client of a broker. Raises `Failed`."""
    for attempt in range(1, ATTEMPTS + 1):
        problem = _deployed(http, cloud, app_id, token)
        if problem is None:
            return
        if attempt == ATTEMPTS or not problem.startswith(("429", "5")):
            raise Failed(problem)


def _deployed(http: httpx.Client, cloud: Cloud, app_id: str, token: str) -> str | None:
    """What went wrong, if anything: wrangler's calls, one after the other."""
    root = f"/accounts/{cloud.process.account}/workers"
    script = f"{root}/dispatch/namespaces/{PREFIX}-production/scripts/{app_id}"
    file = f"<h1>{app_id}</h1>".encode()
    name = hashlib.sha256(file).hexdigest()[:32]
    begun = _call(http, "POST", f"{script}/assets-upload-session", token, json=_manifest(name, file))
    if isinstance(begun, str):
        return begun
    session = begun["jwt"]
    if begun["buckets"]:
        parts = [(name, (name, base64.b64encode(file), "text/html"))]
        uploaded = _call(http, "POST", f"{root}/assets/upload?base64=true", session, files=parts)
        if isinstance(uploaded, str):
            return uploaded
        session = uploaded["jwt"]
    metadata = {"main_module": "a.js", "compatibility_date": "2026-11-01", "assets": {"jwt": session}}
    form = [
        ("metadata", (None, json.dumps(metadata), "application/json")),
        ("a.js", ("a.js", _code(app_id), JAVASCRIPT)),
    ]
    put = _call(http, "PUT", script, token, files=form)
    return put if isinstance(put, str) else None


def _call(http: httpx.Client, method: str, path: str, token: str, **options: Any) -> Any:
    """The result, or `{status}: {reason}`."""
    answer = http.request(method, path, headers={"Authorization": f"Bearer {token}"}, **options)
    if answer.is_success:
        return answer.json()["result"]
    return f"{answer.status_code}: {answer.text[:200]}"


def _manifest(name: str, file: bytes) -> dict[str, Any]:
    return {"manifest": {"/index.html": {"hash": name, "size": len(file)}}}


def _code(app_id: str) -> str:
    return f"export default {{ fetch() {{ return new Response('{app_id}'); }} }};"
