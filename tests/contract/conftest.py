"""The services under test: a local cloud in this process, or live accounts.

`CONTRACT_LIVE=1` runs the same calls against Cloudflare and GitHub, with CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID,
CLOUDFLARE_ZONE (a zone's name), GITHUB_TOKEN and GITHUB_ORGANIZATION. What is made there is named `contract-...` and
deleted again. A test of what only the local cloud has asks for `local`, and is skipped.
"""

import dataclasses
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from contract_service import LocalCloud, Service, serving
from deviations import DEVIATIONS
from git_client import Clone
from observer import Observer
from openapi import Description
from script_life import Life, living
from webhook_receiver import Receiver, ended

from local_cloud import cloudflare, github
from local_cloud.ports import listen

LIVE = bool(os.environ.get("CONTRACT_LIVE"))

LONG = {"test_actions_process", "test_git_http", "test_random_calls", "test_wrangler", "test_wrangler_edge"}
"""The files of half a minute and more."""


@pytest.fixture(scope="session")
def test_packages() -> Path | None:
    """The folder with the npm packages of the tests, if they are installed."""
    named = os.environ.get("OVERSKILL_TEST_PACKAGES")
    return Path(named) if named else None


@pytest.fixture(scope="session")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run where each of its processes, if there are several, leaves what it has observed."""
    return tmp_path_factory.getbasetemp().parent


@pytest.fixture(scope="session")
def observer(test_packages: Path | None, notes: Path) -> Iterator[Observer]:
    """Notes all that is answered; without the npm packages there is no description to hold it against."""
    description = None
    if test_packages:
        description = Description(test_packages / "@octokit" / "openapi" / "generated" / "api.github.com.json")
    made = Observer(description, DEVIATIONS)
    yield made
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        part = notes / worker
        part.write_text(made.written())
        part.rename(notes / f"{worker}.observed")


@pytest.fixture(autouse=True)
def described(observer: Observer) -> Iterator[None]:
    """Fails each test during which GitHub's half answered otherwise than GitHub describes."""
    yield
    found = sorted(set(observer.problems))
    observer.problems.clear()
    if found:
        pytest.fail("GitHub describes other answers:\n" + "\n".join(found), pytrace=False)


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory, observer: Observer) -> Iterator[LocalCloud | None]:
    """The local cloud, or None where live accounts are under test."""
    if LIVE:
        yield None
        return
    with LocalCloud.run(tmp_path_factory.mktemp("contract"), observer=observer) as local:
        yield local


@pytest.fixture
def local(running: LocalCloud | None) -> LocalCloud:
    if running is None:
        pytest.skip("only the local cloud has this")
    return running


@pytest.fixture
def fresh(local: LocalCloud, tmp_path: Path) -> Iterator[LocalCloud]:
    """A local cloud of the test's own; its client may call Cloudflare and `/_local`."""
    with LocalCloud.run(tmp_path) as made:
        made.client.headers["Authorization"] = f"Bearer {made.cloud.credentials.cloudflare_token}"
        yield made


@pytest.fixture(scope="session")
def workerd(running: LocalCloud | None) -> Path:
    """The binary, for a local cloud that runs as a process of its own."""
    return _program(running, "OVERSKILL_WORKERD")


@pytest.fixture(scope="session")
def wrangler(running: LocalCloud | None) -> Path:
    return _program(running, "OVERSKILL_WRANGLER")


def _program(running: LocalCloud | None, variable: str) -> Path:
    """What an environment variable names; without it, or where live accounts are under test, the test is skipped."""
    if running is None:
        pytest.skip("only the local cloud has this")
    if not os.environ.get(variable):
        pytest.skip(f"{variable} names no program")
    return Path(os.environ[variable])


@pytest.fixture(scope="session")
def cf(running: LocalCloud | None, observer: Observer) -> Service:
    """Cloudflare. Paths are below `/client/v4`; `{account}` and `{zone}` in them are filled in."""
    if running:
        names = {"account": running.settings.account, "zone_name": running.settings.zones[0]}
        client, token = running.client, running.cloud.credentials.cloudflare_token
    else:
        names = {"account": os.environ["CLOUDFLARE_ACCOUNT_ID"], "zone_name": os.environ["CLOUDFLARE_ZONE"]}
        client = httpx.Client(base_url="https://api.cloudflare.com", timeout=30, event_hooks=observer.hook(""))
        token = os.environ["CLOUDFLARE_API_TOKEN"]
    service = Service(client=client, root=cloudflare.ROOT, token=token, names=names)
    (zone,) = service.get("/zones", params={"name": names["zone_name"]})["result"]
    service.names["zone"] = zone["id"]
    return service


@pytest.fixture(scope="session")
def gh(running: LocalCloud | None, observer: Observer) -> Service:
    """GitHub. Paths are below the API's root; `{org}` in them is filled in."""
    if running:
        client, token, root = running.client, running.cloud.credentials.github_token, github.ROOT
        names = {"org": running.settings.organizations[0]}
    else:
        client = httpx.Client(base_url="https://api.github.com", event_hooks=observer.hook(github.ROOT))
        token, root, names = os.environ["GITHUB_TOKEN"], "", {"org": os.environ["GITHUB_ORGANIZATION"]}
    return Service(client=client, root=root, token=token, names=names)


@pytest.fixture
def sign(local: LocalCloud) -> Callable[..., str]:
    """Signs a token as GitHub's App would; a claim that is None is left out."""
    credentials = local.cloud.credentials

    def signed(key: str | None = credentials.github_private_key, algorithm: str = "RS256", **claims: Any) -> str:
        now = int(time.time())
        everything = {"iss": credentials.github_app_id, "iat": now - 60, "exp": now + 540, **claims}
        return jwt.encode({name: value for name, value in everything.items() if value is not None}, key, algorithm)

    return signed


@pytest.fixture
def app(gh: Service, sign: Callable[..., str]) -> Service:
    """GitHub, called by the App as itself."""
    return dataclasses.replace(gh, token=sign())


@pytest.fixture
def installed(app: Service) -> Callable[..., Service]:
    """GitHub, called by the App's installation on an organisation; `body` is what its token is to be limited to."""

    def installation(organization: str = "{org}", **body: Any) -> Service:
        number = app.get(f"/orgs/{organization}/installation")["id"]
        made = app.post(f"/app/installations/{number}/access_tokens", status=201, json=body)
        return dataclasses.replace(app, token=made["token"])

    return installation


@pytest.fixture
def name() -> str:
    """A name that nothing has yet."""
    return f"contract-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def cleanup() -> Iterator[Callable[[Callable[[], object]], None]]:
    """Takes what is to be called after the test, last first."""
    actions: list[Callable[[], object]] = []
    yield actions.append
    for action in reversed(actions):
        action()


@pytest.fixture
def namespace(cf: Service, name: str, cleanup: Callable) -> str:
    """The path of a new dispatch namespace."""
    cf.post("/accounts/{account}/workers/dispatch/namespaces", json={"name": name})
    path = f"/accounts/{{account}}/workers/dispatch/namespaces/{name}"
    cleanup(lambda: cf.send("DELETE", path))
    return path


@pytest.fixture
def life(cf: Service, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    """A namespace script, as its provider sees it."""
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", cf.token)
    with living(cf, namespace) as made:
        yield made


@pytest.fixture
def template(gh: Service, name: str, cleanup: Callable) -> str:
    """The path of a new template repository."""
    body = {"name": f"{name}-template", "private": True, "auto_init": True, "is_template": True}
    gh.post("/orgs/{org}/repos", status=201, json=body)
    path = f"/repos/{{org}}/{name}-template"
    cleanup(lambda: gh.send("DELETE", path))
    return path


@pytest.fixture
def repository(gh: Service, name: str, cleanup: Callable) -> str:
    """The path of a new repository with one commit."""
    gh.post("/orgs/{org}/repos", status=201, json={"name": name, "private": True, "auto_init": True})
    cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{name}"))
    return f"/repos/{{org}}/{name}"


@pytest.fixture
def address(local: LocalCloud, name: str) -> Callable[..., str]:
    """Makes the URL of the test's repository for a user and a password."""

    def made(
        user: str = "x-access-token",
        password: str = local.cloud.credentials.github_token,
        path: str = f"overskill/{name}.git",
    ) -> str:
        credentials = f"{user}:{password}@" if user or password else ""
        return f"http://{credentials}{local.client.base_url.host}:{local.client.base_url.port}/{path}"

    return made


@pytest.fixture
def bare(local: LocalCloud, name: str) -> Path:
    """The test's repository as the local cloud keeps it."""
    return local.cloud.repositories.path("overskill", name)


@pytest.fixture
def clone(repository: str, address: Callable[..., str], tmp_path: Path) -> Clone:
    """A clone of the test's repository."""
    return Clone.of(address(), tmp_path / "clone")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listens, and is told of nothing yet."""
    made = Receiver()
    with serving(made) as client:
        made.port = client.base_url.port
        yield made
        made.closed = True


@pytest.fixture
def nobody() -> str:
    """An address of this machine where nobody listens."""
    with listen(0, "") as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


@pytest.fixture
def hook(gh: Service, local: LocalCloud, repository: str, receiver: Receiver) -> Callable[..., str]:
    """Makes a hook that points at the receiver; its path, once its ping has ended."""

    def made(*events: str, url: str | None = None, content_type: str = "json", **more: str) -> str:
        config = {"url": url or f"http://127.0.0.1:{receiver.port}/hook", "content_type": content_type, **more}
        body = {"config": config, "events": events or ["push"]}
        path = f"{repository}/hooks/{gh.post(f'{repository}/hooks', status=201, json=body)['id']}"
        ended(gh, path, 1)
        receiver.requests.clear()
        return path

    return made


@pytest.fixture
def told(gh: Service, hook: Callable[..., str], receiver: Receiver) -> Callable[..., Callable[[int], list]]:
    """Begins to listen to events; the result gives name and payload of each, once there are so many."""

    def listening(*events: str) -> Callable[[int], list]:
        path = hook(*events)

        def heard(count: int) -> list:
            ended(gh, path, count + 1)  # with the ping
            return receiver.events()

        return heard

    return listening


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What counts the calls of all the others comes last; what takes long first, so that no process waits for it."""
    items.sort(key=lambda item: (item.path.stem == "test_every_call", item.path.stem not in LONG))
