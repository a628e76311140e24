"""A control plane within this process, for tests that look into it or change it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from control_plane.application import application
from control_plane.state import Plane
from overskill.checkout_copy import free_ports


@contextmanager
def serving(plane: Plane) -> Iterator[httpx.Client]:
    """A client of it, once it answers; it has ended when the block has."""
    (port,) = free_ports(1)
    config = uvicorn.Config(application(plane), port=port, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while thread.is_alive() and not server.started:
            thread.join(0.01)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
