"""The platform and its apps from nothing to nothing, with the real engine, in the order of a user's day."""

import hashlib
import hmac
import os
import re
import signal
import socket
import time
from contextlib import suppress
from functools import partial

import psutil
import pytest
import yaml
from conftest import PLANTED, Checkout

DISPATCHER = "overskill-development-dispatch.overskill.workers.localhost"
HOST = "ultrathink.overskill.localhost"
URL = re.compile(r"(?<= 200  )http://\S+")


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Checkout:
    """The checkout after `overskill up --detach`."""
    output = checkout.run("up", "--detach")
    assert len(URL.findall(output)) == 4, output
    assert output.count(" 200") == 4, output
    return checkout


def status(checkout: Checkout, app: str) -> dict[str, int]:
    """What the four addresses of an app answer."""
    hosts = {name: f"{name}.overskill.localhost" for name in (app, f"staging-{app}", f"preview-{app}")}
    answers = {name: checkout.page(host).status_code for name, host in hosts.items()}
    return {**answers, "path": checkout.page(DISPATCHER, f"/app/{app}/").status_code}


def test_a_bad_configuration_is_refused_before_anything_starts(checkout):
    file = checkout.root / "Pulumi.local.yaml"
    good = file.read_text()
    content = yaml.safe_load(good)
    content["config"] |= {"overskill:prefixx": "a", "overskill:accountId": 7, "github:writeDelayMs": "soon"}
    file.write_text(yaml.safe_dump(content))
    try:
        output = checkout.run("up", "--detach", code=1)
    finally:
        file.write_text(good)
    assert all(key in output for key in ("overskill:prefixx", "overskill:accountId", "github:writeDelayMs"))
    assert not (checkout.root / ".overskill" / "local-cloud").exists()


def test_up_serves_four_addresses(up):
    assert set(status(up, "ultrathink").values()) == {200}
    assert "ultrathink is being built" in up.page(HOST).text


def test_logs_are_those_of_an_app_that_there_is(up):
    assert up.run("logs", "ultrathink") == ""
    assert "there is no app 'store' in production; there are: ultrathink" in up.run("logs", "store", code=1)


def test_a_suspended_app_is_gone_within_the_cache_time_and_back_within_it(up):
    """And no stack sees a change: who runs the platform suspends, and not Pulumi."""
    assert up.page(HOST).status_code == 200
    for command, status in ((("suspend", "ultrathink", "--reason", "unpaid"), 403), (("resume", "ultrathink"), 200)):
        up.run("app", *command)
        up.await_status(HOST, status)
    up.drift("local", code=0)


@pytest.mark.parametrize("stack", ["local", "local.ultrathink"])
def test_a_second_up_and_a_refresh_change_nothing(up, stack):
    up.pulumi(stack, "up", "--yes", "--skip-preview", "--expect-no-changes")
    up.drift(stack, code=0)


def test_a_deleted_record_is_found_and_restored(up):
    (record,) = up.api("GET", up.zone("dns_records")).json()["result"]
    assert up.api("DELETE", up.zone(f"dns_records/{record['id']}")).is_success
    assert up.page(HOST).status_code != 200
    assert "domain-wildcard" in up.drift("local", code=7)
    up.pulumi("local", "up", "--refresh", "--yes", "--skip-preview")
    assert set(status(up, "ultrathink").values()) == {200}


def test_a_deleted_script_and_a_deleted_secret_are_found_and_restored(up):
    script = up.account("dispatch/namespaces/overskill-development-staging/scripts/staging-ultrathink")
    secret = "/api/v3/repos/overskill-apps/ultrathink/actions/secrets/OVERSKILL_WEBHOOK_SECRET"
    assert all(up.api("DELETE", path).is_success for path in (script, secret))
    assert up.page("staging-ultrathink.overskill.localhost").status_code == 404
    found = up.drift("local.ultrathink", code=7)
    assert all(name in found for name in ("ultrathink-staging", "ultrathink-webhook-secret"))
    up.pulumi("local.ultrathink", "up", "--refresh", "--yes", "--skip-preview")
    assert up.page("staging-ultrathink.overskill.localhost").status_code == 200
    assert up.api("GET", secret).is_success


def test_without_the_route_only_the_path_answers(up):
    program = up.root / "infra" / "domain.py"
    whole = program.read_text()
    routeless = re.sub(r" +route = cloudflare\.WorkersRoute\(.*?\n        \)\n", "", whole, flags=re.S)
    assert routeless != whole
    program.write_text(routeless.replace("route.pattern", 'pulumi.Output.from_input("")'))
    try:
        up.pulumi("local", "up", "--yes", "--skip-preview")
        after = status(up, "ultrathink")
    finally:
        program.write_text(whole)
    assert after.pop("path") == 200
    assert 200 not in after.values()
    up.pulumi("local", "up", "--yes", "--skip-preview")
    assert set(status(up, "ultrathink").values()) == {200}


@pytest.mark.parametrize(
    ("name", "rule"),
    [("Bad_Name!", "a-z, 0-9"), ("www", "reserved"), ("preview-x", "may not start with"), ("a" * 64, "characters")],
)
def test_a_bad_app_id_is_refused_in_one_line(up, name, rule):
    before = up.run("app", "list")
    output = up.run("app", "create", name, code=1)
    assert rule in output
    assert len(output.splitlines()) == 1
    assert up.run("app", "list") == before
    assert up.api("GET", f"/api/v3/repos/overskill-apps/{name}").status_code == 404


def engine(checkout: Checkout) -> psutil.Process:
    """The engine that a running command of this checkout has started."""
    return next(
        process
        for process in psutil.process_iter(["name", "environ"])
        if process.info["name"] == "pulumi" and (process.info["environ"] or {}).get("PYTHONPATH") == str(checkout.root)
    )


def workerd(checkout: Checkout) -> psutil.Process:
    return next(p for p in checkout.cloud.process().children(recursive=True) if p.name() == "workerd")


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


VICTIMS = {"engine": engine, "cloud": lambda checkout: checkout.cloud.process(), "workerd": workerd}


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_in_the_middle_of_app_create(up, victim, request):
    """A second `app create` ends where the first would have, whichever process was killed while it ran."""
    app = f"killed-{victim}"
    command = up.start("app", "create", app)
    deadline = time.monotonic() + 60
    while up.api("GET", f"/api/v3/repos/overskill-apps/{app}").status_code != 200:
        assert time.monotonic() < deadline, "the repository was never made"
        assert command.poll() is None, (up.root / ".overskill" / "started.log").read_text()
    process = VICTIMS[victim](up)
    # Nobody ends the plugins of an engine that was killed.
    request.addfinalizer(partial(kill, process.children(recursive=True)))
    process.send_signal(signal.SIGKILL)
    command.wait(120)
    if not up.cloud.runs():
        up.run("up", "--detach")
    up.run("app", "create", app)
    assert set(status(up, app).values()) == {200}
    assert up.api("GET", f"/api/v3/repos/overskill-apps/{app}/actions/secrets").json()["total_count"] == 1
    assert len(up.api("GET", f"/api/v3/repos/overskill-apps/{app}/hooks").json()) == 1
    up.drift(f"local.{app}", code=0)
    assert re.search(rf"{app}\s+complete", up.run("app", "list"))


@pytest.mark.parametrize("kind", ["api_port", "edge_port"])
def test_a_taken_port_is_named_with_its_holder_and_the_way_out(up, kind):
    up.run("down")
    port = getattr(up.cloud, kind)
    with socket.create_server(("127.0.0.1", port)):
        output = up.run("up", "--detach", code=1)
    assert all(word in output for word in (str(port), str(os.getpid()), "Pulumi.local.yaml"))


def test_what_is_there_outlives_a_restart(up):
    up.run("down")
    up.run("app", "list", code=1)
    up.run("up", "--detach")
    assert set(status(up, "killed-engine").values()) == {200}


def test_the_planted_secret_is_nowhere(up):
    """Neither in a log, nor in a state file, nor on a page; nor is the one derived from it for the app."""
    assert len(up.pulumi("local.ultrathink", "stack", "export")) > 1000
    planted = [PLANTED.encode(), derived_secret("ultrathink").encode()]
    found = [
        str(path)
        for path in up.root.rglob("*")
        if path.is_file() and "tests" not in path.parts and any(secret in path.read_bytes() for secret in planted)
    ]
    assert found == []
    pages = [up.page(HOST), up.page(DISPATCHER), up.page(DISPATCHER, "/app/ultrathink/")]
    hooks = up.api("GET", "/api/v3/repos/overskill-apps/ultrathink/hooks")
    assert not any(secret.decode() in page.text for secret in planted for page in [*pages, hooks])


def derived_secret(app: str) -> str:
    return hmac.new(PLANTED.encode(), f"webhook:{app}".encode(), hashlib.sha256).hexdigest()


def test_destroy_leaves_nothing_behind(up):
    for app in ("ultrathink", *(f"killed-{victim}" for victim in VICTIMS)):
        up.run("app", "destroy", app, "--now", "--delete-repository")
    up.pulumi("local", "destroy", "--yes", "--skip-preview")
    assert up.api("GET", up.account("dispatch/namespaces")).json()["result"] == []
    assert up.api("GET", up.zone("dns_records")).json()["result"] == []
    assert up.api("GET", up.zone("workers/routes")).json()["result"] == []
    assert up.api("GET", up.account("scripts")).json()["result"] == []
    for owner in ("overskill", "overskill-apps"):
        assert up.api("GET", f"/api/v3/orgs/{owner}/repos").json() == []
    repositories = up.root / ".overskill" / "local-cloud" / "repositories"
    assert list(repositories.rglob("*.git")) == []
    assert os.listdir(up.root / "app_stacks" / "stacks") == [".gitignore"]
