"""`python -m local_cloud.providers cloudflare|github [engine address]`: what Pulumi's engine starts as a plugin."""

import argparse
import importlib
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local_cloud.providers.server import Provider

PACKAGES = ("cloudflare", "github")
THREADS = 64
"""Calls at once: the engine makes as many as its `--parallel` says, and would wait for ever for the ones beyond."""

MAX_MESSAGE = 400 * 1024 * 1024
"""Bytes: the engine's own limit."""


def main() -> None:
    package = _arguments().package
    engine = os.getppid()
    # The engine interrupts a plugin, which is in a process group of its own, once it needs it no more.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: os._exit(0))
    server = grpc.server(
        ThreadPoolExecutor(THREADS),
        options=[("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)],
    )
    provider = Provider(importlib.import_module(f"local_cloud.providers.{package}").PACKAGE)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    threading.Thread(target=_end_with, args=(engine,), daemon=True).start()
    server.wait_for_termination()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local_cloud.providers", description=__doc__, add_help=False)
    parser.add_argument("package", choices=PACKAGES)
    given_by_the_engine = parser.add_argument_group("given by the engine, and of no use here")
    given_by_the_engine.add_argument("engine", nargs="?")
    given_by_the_engine.add_argument("--logtostderr", action="store_true")
    given_by_the_engine.add_argument("-v")
    given_by_the_engine.add_argument("--tracing")
    return parser.parse_intermixed_args()


def _end_with(engine: int) -> None:
    """End the process when the engine, its parent, is gone without having stopped it."""
    while os.getppid() == engine:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    main()
