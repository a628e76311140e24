"""The local cloud as a process of its own, with a real workerd."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil

from overskill.checkout_copy import free_ports

Option = str | int | Path | None

ACCOUNT = "0123456789abcdef0123456789abcdef"


class Process:
    """A running local cloud."""

    def __init__(
        self, state: Path, workerd: Path, *, api: int | None = None, edge: int | None = None, **options: Option
    ) -> None:
        """`api` and `edge` are ports; `options` are further ones of the command line, `resident_apps=5` for one.

        One that is None is not given.
        """
        self.state = state
        free_api, free_edge = free_ports(2)
        words = {
            "--state": state,
            "--api-port": api or free_api,
            "--edge-port": edge or free_edge,
            "--workerd": workerd,
            "--account": ACCOUNT,
            "--workers-subdomain": "overskill",
            "--zone": "overskill.localhost",
            "--organization": "overskill",
            **{f"--{name.replace('_', '-')}": value for name, value in options.items() if value is not None},
        }
        self.url = f"http://127.0.0.1:{words['--api-port']}"
        self.edge_url = f"http://127.0.0.1:{words['--edge-port']}"
        command = [
            sys.executable,
            "-m",
            "local_cloud",
            "serve",
            *(str(word) for pair in words.items() for word in pair),
        ]
        with (state.parent / "stderr").open("a") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)

    def ready(self) -> "Process":
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line.startswith(f"local cloud ready: API {self.url}, edge {self.edge_url}"), self.log()
        assert line.endswith(f", page {self.url}/\n"), line  # without its key: this is no terminal
        return self

    def log(self) -> str:
        return (self.state.parent / "stderr").read_text()

    def workerds(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def authorization(self, service: str) -> dict[str, str]:
        """The header for calls of `cloudflare` or `github`."""
        tokens = json.loads((self.state / "credentials.json").read_text())
        return {"Authorization": f"Bearer {tokens[f'{service}_token']}"}

    def api(self, method: str, path: str, **options) -> httpx.Response:
        headers = self.authorization("github" if path.startswith("/api/") else "cloudflare")
        answer = httpx.request(method, self.url + path, headers=headers, trust_env=False, **options)
        return answer.raise_for_status()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=20)


@contextmanager
def running(state: Path, workerd: Path, **options: Option) -> Iterator[Process]:
    process = Process(state, workerd, **options)
    try:
        yield process.ready()
    finally:
        process.close()
