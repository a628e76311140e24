"""What tests of the fleet do with a checkout: write its file, apply it, and compare the local cloud with it."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import psutil
import yaml
from conftest import Checkout

from overskill.fleet.limits import Calls
from overskill.local_api import ask

CONTENT = ("POST", "PUT", "PATCH")
NAMES = {"production": "{}", "staging": "staging-{}", "preview": "preview-{}"}
App = dict[str, Any]


def app(app_id: str, **config: Any) -> App:
    return {"id": app_id, "displayName": f"App {app_id}", **config}


def write(up: Checkout, apps: list[App], absent: tuple[str, ...] = ()) -> None:
    (up.root / "apps.yaml").write_text(yaml.safe_dump({"apps": apps, "absent": list(absent)}))


def apply(up: Checkout, *options: str, code: int = 0) -> str:
    return up.run("fleet", "apply", "apps.yaml", "--workers", "2", *options, code=code)


def assert_exact(up: Checkout, apps: list[App]) -> None:
    """The local cloud has these apps whole and once, and beside them only the one that `overskill up` makes."""
    wanted: dict[str, App] = {one["id"]: one for one in apps} | {"ultrathink": {}}
    for environment, name in NAMES.items():
        scripts = set(scripts_of(up, f"overskill-development-{environment}"))
        deployed = [app_id for app_id, one in wanted.items() if environment in one.get("appEnvironments", NAMES)]
        assert scripts == {name.format(app_id) for app_id in deployed}
    repositories = []
    for page in range(1, len(wanted) // 100 + 2):
        listed = up.api("GET", "/api/v3/orgs/overskill-apps/repos", params={"per_page": 100, "page": page})
        repositories += listed.json()
    assert {each["name"] for each in repositories} == set(wanted)
    for each in repositories:
        path = f"/api/v3/repos/overskill-apps/{each['name']}"
        assert len(up.api("GET", f"{path}/hooks").json()) == 1
        assert up.api("GET", f"{path}/actions/secrets/OVERSKILL_WEBHOOK_SECRET").is_success
        assert each["description"] == wanted[each["name"]].get("displayName", each["name"])


def engines(run: subprocess.Popen) -> list[psutil.Process]:
    """The engines that a run of the fleet has at work."""
    found = []
    for process in psutil.Process(run.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if process.name() == "pulumi":
                found.append(process)
    return found


def scripts_of(up: Checkout, namespace: str) -> Iterator[str]:
    """The names of all scripts in a namespace, which are listed in pages."""
    cursor = ""
    while True:
        path = up.account(f"dispatch/namespaces/{namespace}/scripts")
        page = up.api("GET", path, params={"cursor": cursor} if cursor else {}).json()
        yield from (script["id"] for script in page["result"])
        if not (cursor := page["result_info"]["cursor"]):
            return


def last_call(up: Checkout) -> int:
    return max(each["number"] for each in ask(up.cloud, "GET", "requests")["requests"])


def calls_since(up: Checkout, number: int) -> Calls:
    return counted(
        (each["method"], each["path"]) for each in ask(up.cloud, "GET", f"requests?after={number}")["requests"]
    )


def counted(requests: Iterable[tuple[str, str]]) -> Calls:
    """Of methods and paths, those of both APIs by kind."""
    made = Calls()
    for method, path in requests:
        if path.startswith("/client/v4/"):
            made += Calls(cloudflare=1)
        elif path.startswith("/api/v3/"):
            made += Calls(github=1, content=int(method in CONTENT))
    return made
