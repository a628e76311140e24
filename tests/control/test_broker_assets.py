"""Assets that are lost or damaged where bundles are kept: each deploy goes live, and the next one is kept whole."""

import base64
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from broker_world import ACCOUNT, World, claims, form, script_path, world

from control_plane.access import issue
from control_plane.broker.bundles import Bundles, Folder
from local_cloud.multipart import parse

MINE = script_path("mine")
SESSION, UPLOAD = f"{MINE}/assets-upload-session", f"/accounts/{ACCOUNT}/workers/assets/upload?base64=true"
FILES = {"/index.html": b"<h1>mine</h1>", "/about.html": b"<h1>about</h1>", "/home.html": b"<h1>mine</h1>"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[World]:
    """Cloudflare keeps assets, and asks for none twice."""
    with world(tmp_path) as made:
        made.neighbours.assets = set()
        yield made


def own(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def begin(broker: World, run_id: int) -> tuple[str, dict]:
    token = broker.neighbours.token(claims("mine", 1, run_id=str(run_id)))
    manifest = {path: {"hash": own(content), "size": len(content)} for path, content in FILES.items()}
    return token, broker.send("POST", SESSION, token, json={"manifest": manifest}).json()["result"]


def bring(broker: World, session: dict) -> httpx.Response:
    by_hash = {own(content): content for content in FILES.values()}
    files = [(name, (name, base64.b64encode(by_hash[name]), "text/html")) for name in session["buckets"][0]]
    return broker.send("POST", UPLOAD, session["jwt"], files=files)


def put(broker: World, token: str, session: str) -> int:
    return broker.send("PUT", MINE, token, files=form({"assets": {"jwt": session}})).status_code


def deploy(broker: World, run_id: int) -> int:
    """As wrangler does it; how many files Cloudflare has asked for."""
    token, session = begin(broker, run_id)
    asked = sum(map(len, session["buckets"]))
    assert put(broker, token, bring(broker, session).json()["result"]["jwt"] if asked else session["jwt"]) == 200
    return asked


def is_whole(broker: World, run_id: int) -> None:
    """A Cloudflare that has no asset any more is given back all of them from the deploy's bundle."""
    (row,) = [row for row in broker.deployments() if row.run_id == run_id]
    with broker.database.writing() as session:
        token = issue(session, f"builder-{run_id}", ["deployments:write"])
    broker.neighbours.assets, broker.neighbours.calls = set(), []
    answer = httpx.post(
        f"{broker.url}/api/apps/mine/rollback",
        headers={"Authorization": f"Bearer {token}"},
        json={"to": row.id},
        trust_env=False,
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
    (call,) = [call for call in broker.neighbours.calls if call.path.endswith("/assets/upload")]
    assert {base64.b64decode(part.body) for part in parse(call.content_type, call.body)} == {*FILES.values()}


def names(folder: Path) -> list[Path]:
    return [path for path in (folder / "names").rglob("*") if path.is_file()]


def records(folder: Path) -> list[Path]:
    return [folder / "files" / name.read_text()[:2] / name.read_text() for name in names(folder)]


def files(folder: Path) -> list[Path]:
    return [next((folder / "files").rglob(hashlib.sha256(content).hexdigest())) for content in {*FILES.values()}]


FAULTS: dict[str, Callable[[Path], object]] = {
    "lost": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: os.truncate(path, path.stat().st_size // 2),
}
PARTS = {"name": names, "record": records, "file": files}


def test_what_is_kept_whole_is_not_sent_again(broker: World) -> None:
    assert [deploy(broker, run) for run in (1, 2)] == [2, 0]
    first, second = broker.deployments()
    assert first.bundle == second.bundle
    is_whole(broker, 2)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_part_of_an_asset_is_asked_for_again(broker: World, tmp_path: Path, part: str, fault: str) -> None:
    deploy(broker, 1)
    FAULTS[fault](PARTS[part](tmp_path / "bundles")[0])
    assert [deploy(broker, run) for run in (2, 3)] == [1, 0]
    is_whole(broker, 2)
    is_whole(broker, 3)


def test_without_the_folder_the_next_deploy_is_kept(broker: World, tmp_path: Path) -> None:
    deploy(broker, 1)
    shutil.rmtree(tmp_path / "bundles")
    assert deploy(broker, 2) == 2
    is_whole(broker, 2)


def test_what_is_lost_in_the_middle_of_a_deploy_stops_an_upload_of_assets_alone(broker: World, tmp_path: Path) -> None:
    token, session = begin(broker, 1)
    completed = bring(broker, session).json()["result"]["jwt"]
    shutil.rmtree(tmp_path / "bundles")
    refused = bring(broker, session)
    assert (refused.status_code, "run the workflow again" in refused.text) == (409, True)
    assert put(broker, token, completed) == 200
    assert [row.bundle for row in broker.deployments()] == [None]
    deploy(broker, 2)
    is_whole(broker, 2)


def test_the_name_of_a_kept_asset_stays_and_its_content_with_it(broker: World, tmp_path: Path) -> None:
    """A session that was begun before, or by another branch, can't have later deploys take something else for it."""
    _, early = begin(broker, 1)
    deploy(broker, 2)
    bundles = Bundles(Folder(tmp_path / "bundles"))
    before = [bundles.named(path.name) for path in names(tmp_path / "bundles")]
    other = [(name, (name, base64.b64encode(b"<h1>evil</h1>"), "text/html")) for name in early["buckets"][0]]
    (same_size,) = [part for part in other if part[0] == own(b"<h1>mine</h1>")]
    assert broker.send("POST", UPLOAD, early["jwt"], files=[same_size]).status_code == 200
    assert [bundles.named(path.name) for path in names(tmp_path / "bundles")] == before
    assert deploy(broker, 3) == 0
    is_whole(broker, 3)
