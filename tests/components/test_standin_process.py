"""A stand-in plugin as a process: what the engine starts, asks and stops."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import psutil
import pytest
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

PLUGIN = (sys.executable, "-m", "local_cloud.providers")


@contextmanager
def started(
    package: str, *options: str
) -> Iterator[tuple[subprocess.Popen[str], provider_pb2_grpc.ResourceProviderStub]]:
    with subprocess.Popen([*PLUGIN, package, *options, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline())
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                yield process, provider_pb2_grpc.ResourceProviderStub(channel)
        finally:
            process.kill()


@pytest.mark.parametrize(("package", "version"), [("cloudflare", "6.23.1"), ("github", "6.15.0")])
def test_a_plugin_prints_its_port_answers_and_ends_when_it_is_interrupted(package, version):
    with started(package) as (process, plugin):
        assert plugin.GetPluginInfo(Empty()).version == version
        assert plugin.Handshake(provider_pb2.ProviderHandshakeRequest()).accept_secrets
        assert plugin.Cancel(Empty()) == Empty()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0


def test_errors_arrive_in_their_own_words():
    with started("cloudflare") as (_, plugin), pytest.raises(grpc.RpcError) as failed:
        plugin.Delete(provider_pb2.DeleteRequest(id="id", type="cloudflare:index/zone:Zone"))
    assert failed.value.code() == grpc.StatusCode.UNKNOWN
    assert failed.value.details().startswith("cloudflare:index/zone:Zone: the local cloud's stand-in")


def test_a_plugin_ends_with_the_engine():
    engine = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); input()"
    command = [sys.executable, "-c", engine, *PLUGIN, "github"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        plugin = psutil.Process(int(parent.stdout.readline()))
        int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 5
    while plugin.is_running() and plugin.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it is left behind"
        time.sleep(0.1)


def test_what_the_engine_adds_for_its_own_log_is_taken():
    with started("github", "--logtostderr", "-v=9", "--tracing", "file:/dev/null") as (_, plugin):
        assert plugin.GetPluginInfo(Empty()).version == "6.15.0"


@pytest.mark.parametrize("arguments", [["aws"], [], ["github", "--no-such-option"]])
def test_other_arguments_are_refused(arguments):
    refused = subprocess.run([*PLUGIN, *arguments], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("usage: python -m local_cloud.providers")
