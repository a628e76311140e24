"""Many scripts stored, many apps called: the local cloud as a process, with a real workerd."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest
from contract_process import ACCOUNT, Process, running
from contract_service import upload

from overskill.checkout_copy import free_ports

NAMESPACES = f"/client/v4/accounts/{ACCOUNT}/workers/dispatch/namespaces"
WORKERS = f"/client/v4/accounts/{ACCOUNT}/workers/scripts"
HOST = {"Host": "dispatch.overskill.workers.localhost"}
BINDING = {"type": "dispatch_namespace", "name": "APPS", "namespace": "apps"}
DISPATCHER = """export default { fetch(request, env) {
  return env.APPS.get(new URL(request.url).pathname.slice(1)).fetch(request);
} };"""


def app(number: int) -> str:
    return f"export default {{ fetch() {{ return new Response('app {number}'); }} }};"


@contextmanager
def client(cloud: Process, **options: object) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cloud.edge_url, headers=HOST, timeout=10, trust_env=False, **options) as asking:
        yield asking


def deploy_dispatcher(cloud: Process, source: str = DISPATCHER) -> None:
    cloud.api("PUT", f"{WORKERS}/dispatch", files=upload({"bindings": [BINDING]}, index=source))


def store_apps(cloud: Process, count: int) -> None:
    cloud.api("POST", NAMESPACES, json={"name": "apps"})
    deploy_dispatcher(cloud)
    cloud.api("POST", f"{WORKERS}/dispatch/subdomain", json={"enabled": True})
    with httpx.Client(base_url=cloud.url, headers=cloud.authorization("cloudflare"), trust_env=False) as api:
        for number in range(count):
            files = upload({}, index=app(number))
            api.put(f"{NAMESPACES}/apps/scripts/app{number}", files=files).raise_for_status()


def apps_process(cloud: Process) -> psutil.Process:
    return next(process for process in cloud.workerds() if process.cmdline()[-1].endswith("apps.capnp"))


def call_in_sequence(asking: httpx.Client, numbers: range) -> None:
    for number in numbers:
        assert asking.get(f"/app{number}").text == f"app {number}"


def first_answer(cloud: Process) -> float:
    """Seconds until an app answers, from the start of the process on."""
    started = psutil.Process(cloud.process.pid).create_time()
    with client(cloud) as asking:
        assert asking.get("/app7").text == "app 7"
    return time.time() - started


@pytest.mark.parametrize(
    ("stored", "called", "residents"),
    [(400, 300, 50), pytest.param(10_000, 5_000, 500, marks=pytest.mark.slow)],
)
def test_memory_does_not_grow_with_the_apps_that_were_called(workerd, tmp_path, stored, called, residents):
    """After the last fifth of the calls it is what it was before them, within 10%; a restart takes under 20 s."""
    state, ports = tmp_path / "state", dict(zip(("api", "edge"), free_ports(2), strict=True))
    options = {**ports, "resident_apps": residents}
    with running(state, workerd, **options) as cloud:
        store_apps(cloud, stored)
        apps, fifth = apps_process(cloud), called // 5
        with client(cloud) as asking:
            call_in_sequence(asking, range(called - fifth))
            before = apps.memory_info().rss
            call_in_sequence(asking, range(called - fifth, called))
        after = apps.memory_info().rss
        assert apps_process(cloud).pid == apps.pid
        assert after < 1.1 * before, f"{before >> 20} MiB before the last {fifth} apps, {after >> 20} MiB after them"
        cloud.process.kill()
        cloud.process.wait()
    with running(state, workerd, **options) as cloud:
        took = first_answer(cloud)
        print(f"\nfrom a restart to the first answer: {took:.1f} s")
        assert took < 20


def test_a_new_dispatcher_goes_live_under_load_without_a_failed_request(workerd, tmp_path):
    with running(tmp_path / "state", workerd) as cloud:
        store_apps(cloud, 8)
        stop, failed, served = threading.Event(), [], []

        def ask(number: int) -> None:
            with client(cloud, transport=httpx.HTTPTransport(retries=0)) as asking:
                while not stop.is_set():
                    answer = asking.get(f"/app{number}", headers={"Connection": "close"})
                    served.append(answer.headers.get("x-generation"))
                    if answer.text != f"app {number}":
                        failed.append(answer.text)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        took = []
        for generation in range(6):
            source = DISPATCHER.replace("return env", "return answered(env").replace("(request);", "(request));")
            source += f"""
            async function answered(call) {{
              const answer = new Response((await call).body);
              answer.headers.set("x-generation", "{generation}");
              return answer;
            }}"""
            began = time.monotonic()
            deploy_dispatcher(cloud, source)
            took.append(time.monotonic() - began)
            with client(cloud) as asking:
                assert asking.get("/app5").headers["x-generation"] == str(generation)
        stop.set()
        for thread in threads:
            thread.join()
        assert failed == []
        assert {str(generation) for generation in range(6)} <= set(served)
        assert statistics.median(took) < 5
