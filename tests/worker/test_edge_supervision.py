"""Reloads, crashes and restarts of the edge, with a real workerd."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from edge_harness import EMPTY, RunningEdge, State, bundle, replying, serve

from local_cloud.edge import Edge, LaunchError, UnrunnableError
from local_cloud.edge.model import Account, Bundle
from local_cloud.ports import PortInUseError
from overskill.checkout_copy import free_ports

HOST = "app.overskill.workers.localhost"
SECRET = {"type": "secret_text", "name": "S", "text": "planted-secret"}


def account(text: str) -> Account:
    return replace(EMPTY, workers=(replying("app", text, bindings=(SECRET,)),), workers_dev=frozenset({"app"}))


@pytest.fixture
def edge(workerd_binary: Path, tmp_path: Path) -> Iterator[RunningEdge]:
    with serve(workerd_binary, tmp_path, account("0")) as running:
        yield running


def workerd_pids(directory: Path, process: str = "account") -> list[int]:
    """Of the `account`'s Workers, or of the `apps`."""
    marker = str(directory.resolve() / f"edge/{process}.capnp")
    return [p.pid for p in psutil.process_iter(["cmdline"]) if marker in (p.info["cmdline"] or ())]


@contextmanager
def load(port: int, threads: int = 6) -> Iterator[list[str]]:
    """Ask on new connections, without a pause, until the block ends; what went wrong is in the list."""
    failures: list[str] = []
    stop = threading.Event()
    served = [0] * threads

    def ask(index: int) -> None:
        while not stop.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                    connection.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
                    answer = b"".join(iter(lambda: connection.recv(4096), b""))
                if b" 200 OK" not in answer:
                    failures.append(repr(answer))
                served[index] += 1
            except OSError as error:
                failures.append(repr(error))

    workers = [threading.Thread(target=ask, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield failures
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    assert min(served) > 0


def test_reloads_under_load_lose_no_request_and_are_live_when_they_return(edge: RunningEdge) -> None:
    end = time.monotonic() + 4
    with load(edge.port) as failures:
        generation = 0
        while generation < 6 or time.monotonic() < end:
            generation += 1
            edge.change(workers=account(str(generation)).workers)
            assert {edge.get(HOST, headers={"connection": "close"}).text for _ in range(20)} == {str(generation)}
    assert failures == []


def test_a_reload_lets_a_request_in_flight_end(edge: RunningEdge) -> None:
    """It ends after the reload, for only then does it get the rest of what it sends back."""
    edge.change(workers=(bundle("app", "export default { fetch: ({ body }) => new Response(body) };"),))
    head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", edge.port), timeout=10) as connection:
        connection.sendall(f"{head}old, ".encode())
        answer = b""
        while b"old, " not in answer and (part := connection.recv(4096)):
            answer += part
        edge.change(workers=account("new").workers)
        assert edge.get(HOST).text == "new"
        connection.sendall(b"end")
        answer += b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\nold, end")


def test_a_reload_without_a_change_restarts_nothing(edge: RunningEdge, tmp_path: Path) -> None:
    before = workerd_pids(tmp_path)
    edge.run(edge.edge.reload())
    assert workerd_pids(tmp_path) == before
    edge.change(workers=account("1").workers)
    assert workerd_pids(tmp_path) != before


def test_reloads_at_once_end_with_the_last_state(edge: RunningEdge, tmp_path: Path) -> None:
    edge.state.current = account("last")

    async def reloads() -> None:
        await asyncio.gather(*(edge.edge.reload() for _ in range(5)))

    edge.run(reloads())
    assert edge.get(HOST).text == "last"


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (
            bundle("broken", "export default {"),
            "Worker broken: Uncaught SyntaxError: Unexpected end of input\n  at index",
        ),
        (bundle("broken", "throw new Error('at the top');"), "Worker broken: Uncaught Error: at the top"),
        (
            bundle("broken", "import './missing.js'; export default {};"),
            "Worker broken: Uncaught Error: No such module",
        ),
        (bundle("broken", "export default {};", compatibility_flags=("nonsense",)), "No such compatibility flag"),
        (bundle("broken", "export default {};", bindings=({"type": "queue", "name": "Q"},)), "'queue'"),
    ],
)
def test_a_worker_that_does_not_start_is_refused_and_the_others_are_still_served(
    edge: RunningEdge, broken: Bundle, problem: str
) -> None:
    sound = edge.state.current
    with pytest.raises(UnrunnableError) as refusal:
        edge.change(workers=(*sound.workers, broken))
    assert [problem in found for found in refusal.value.problems] == [True]
    assert edge.get(HOST).text == "0"
    edge.change(workers=sound.workers)
    edge.change(workers=account("1").workers)
    assert edge.get(HOST).text == "1"


def test_a_stuck_workerd_does_not_hold_up_a_reload(edge: RunningEdge) -> None:
    edge.change(workers=(bundle("app", "export default { fetch() { for (;;); } };"),))
    with socket.create_connection(("127.0.0.1", edge.port)) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        time.sleep(0.2)
        edge.change(workers=account("unstuck").workers)
    assert edge.get(HOST).text == "unstuck"


def test_a_killed_workerd_is_replaced(edge: RunningEdge, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        (pid,) = workerd_pids(tmp_path)
        os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        assert edge.get(HOST, headers={"connection": "close"}).text == "0"
        assert time.monotonic() - began < 2
        edge.run(edge.edge.reload())
        assert f"workerd {pid} is gone (-9)" in caplog.text


def test_stop_ends_workerd_and_frees_the_port(workerd_binary: Path, tmp_path: Path) -> None:
    with serve(workerd_binary, tmp_path, account("0")) as edge:
        assert edge.get(HOST).text == "0"
    assert workerd_pids(tmp_path) + workerd_pids(tmp_path, "apps") == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", edge.port))


def test_an_orphan_is_ended_at_start(workerd_binary: Path, tmp_path: Path) -> None:
    """A parent that is killed leaves its workerd, with the port: the next start ends it, and serves there."""
    (port,) = free_ports(1)
    program = f"""
import asyncio
from pathlib import Path
from edge_harness import EMPTY, State
from local_cloud.edge import Edge

async def main():
    edge = Edge(State(EMPTY, {{}}), port={port}, api_port=9, workerd=Path({str(workerd_binary)!r}),
                state_dir=Path({str(tmp_path / "edge")!r}))
    await edge.start()
    print("serving", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout.readline() == b"serving\n"
        parent.kill()
    orphans = workerd_pids(tmp_path) + workerd_pids(tmp_path, "apps")

    async def restart() -> list[int]:
        state_dir = tmp_path / "edge"
        edge = Edge(State(EMPTY, {}), port=port, api_port=9, workerd=workerd_binary, state_dir=state_dir)
        await edge.start()
        pids = workerd_pids(tmp_path) + workerd_pids(tmp_path, "apps")
        await edge.stop()
        return pids

    pids = asyncio.run(restart())
    assert len(pids) == len(orphans) == 2
    assert set(pids).isdisjoint(orphans)


def start(workerd: Path, directory: Path, port: int) -> None:
    asyncio.run(Edge(State(EMPTY, {}), port=port, api_port=9, workerd=workerd, state_dir=directory).start())


def test_a_busy_port_is_named_with_its_holder_and_the_way_out(workerd_binary: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError) as error:
            start(workerd_binary, tmp_path, port)
    assert f"127.0.0.1:{port}" in str(error.value)
    assert f"process {os.getpid()} (" in str(error.value)
    assert "--edge-port" in str(error.value)


def test_a_workerd_that_cannot_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match=f"cannot run {tmp_path}/nowhere: No such file"):
        start(tmp_path / "nowhere", tmp_path, 0)


def test_secrets_stay_out_of_files_and_logs(
    edge: RunningEdge, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    edge.change(workers=account("1").workers)
    pids = workerd_pids(tmp_path) + workerd_pids(tmp_path, "apps")
    arguments = [psutil.Process(pid).cmdline() for pid in pids]
    everywhere = f"{caplog.text} {arguments}"
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept == []
    assert "planted-secret" not in everywhere
    assert edge.edge.token not in everywhere
