"""One workerd process: started on listening sockets that outlive it, known to answer, drained at its end."""

import asyncio
import logging
import os
import socket
from asyncio.subprocess import DEVNULL, PIPE
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

log = logging.getLogger(__name__)

_LAUNCH_SECONDS = 30.0
_RETIRE_SECONDS = 2.0
_DRAIN_SECONDS = 10.0
_TAIL_LINES = 40
_LINE_BYTES = 64 * 1024


class LaunchError(RuntimeError):
    """workerd ended, or said nothing, instead of serving. `stderr`: the last lines it wrote there."""

    def __init__(self, message: str, stderr: list[str]) -> None:
        super().__init__("\n".join([message, *stderr]))
        self.stderr = stderr


class WorkerdProcess:
    """A running workerd. Besides those that it shares with others it has two sockets of its own: the probe, where it is
    asked whether it answers, and one where it can be kept from ending (`linger.js`).
    """

    def __init__(self, process: asyncio.subprocess.Process, probe_port: int, linger_port: int) -> None:
        self.silent = False
        """Whether it was killed because it did not answer."""
        self._process = process
        self._probe_port = probe_port
        self._linger_port = linger_port
        self._stderr: deque[str] = deque(maxlen=_TAIL_LINES)
        self._logs = asyncio.gather(
            self._forward(process.stdout, logging.INFO, deque(maxlen=0)),
            self._forward(process.stderr, logging.WARNING, self._stderr),
        )

    @classmethod
    async def launch(
        cls, workerd: Path, config: str, path: Path, listeners: Mapping[str, socket.socket]
    ) -> "WorkerdProcess":
        """Start workerd with `config`; returns when it answers. Raises `LaunchError`.

        `listeners`: what it accepts from, by the names of the configuration's sockets. `path` is where workerd
        reads the configuration from, and what its command line keeps naming. The file is gone once workerd serves: it
        holds secrets.
        """
        with (
            socket.create_server(("127.0.0.1", 0)) as probe,
            socket.create_server(("127.0.0.1", 0)) as linger,
            _private_file(path, config),
        ):
            port = probe.getsockname()[1]
            sockets = {**listeners, "probe": probe, "linger": linger}
            # Connected before workerd runs: answered as soon as it serves, reset as soon as it ends.
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with closing(writer):
                process = await _execute(
                    workerd,
                    "serve",
                    "--experimental",
                    *(f"--socket-fd={name}={inherited.fileno()}" for name, inherited in sockets.items()),
                    str(path),
                    pass_fds=[inherited.fileno() for inherited in sockets.values()],
                    start_new_session=True,  # a Ctrl-C in the terminal is the parent's to handle
                )
                self = cls(process, port, linger.getsockname()[1])
                probe.close()
                linger.close()
                try:
                    async with asyncio.timeout(_LAUNCH_SECONDS):
                        writer.write(_request("GET"))
                        await reader.readuntil(b"\r\n\r\n")
                except BaseException as error:
                    await self.kill()
                    if isinstance(error, OSError | EOFError):
                        late = isinstance(error, TimeoutError)
                        why = f"after {_LAUNCH_SECONDS:g} s" if late else f"(exit code {process.returncode})"
                        message = f"workerd does not serve {why}:"
                        raise LaunchError(message, self.stderr) from error
                    raise
                return self

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def stderr(self) -> list[str]:
        return list(self._stderr)

    async def wait(self) -> int:
        """The exit code, once the process has ended and its last words are logged."""
        code = await self._process.wait()
        await asyncio.wait([self._logs])
        return code

    @property
    def cpu_seconds(self) -> float:
        """How long it has run so far. Raises `psutil.NoSuchProcess`."""
        used = psutil.Process(self.pid).cpu_times()
        return used.user + used.system

    async def ask(self, method: str) -> None:
        """Ask at the probe; returns with the answer's beginning. Raises `OSError` or `EOFError` if the process ends."""
        (await _asked(self._probe_port, method)).close()

    async def retire(self, *, lingering: bool = False) -> asyncio.Task[None]:
        """Returns when the process accepts nothing more, or is killed for not answering within `_RETIRE_SECONDS`.

        Requests in flight go on; the returned task ends with them, `_DRAIN_SECONDS` later at most. `lingering`: it is
        to wait for what they have left to be sent.
        """
        connections = ExitStack()
        try:
            async with asyncio.timeout(_RETIRE_SECONDS):
                if lingering:
                    connections.enter_context(closing(await _asked(self._linger_port, "GET")))
                self._process.terminate()
                await self._refusing()
        except TimeoutError:
            log.warning("workerd %d does not react to SIGTERM: killed, with the requests in it", self.pid)
            await self.kill()
        except (OSError, EOFError):
            log.debug("workerd %d had ended before it was retired", self.pid)
        return asyncio.create_task(self._drain(connections))

    async def kill(self) -> None:
        if self.alive:
            self._process.kill()
        await self.wait()

    async def _refusing(self) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._probe_port)
            except ConnectionError:
                return
            writer.close()
            await asyncio.sleep(0.002)

    async def _drain(self, connections: ExitStack) -> None:
        with connections:
            try:
                async with asyncio.timeout(_DRAIN_SECONDS):
                    await self.wait()
            except TimeoutError:
                log.info("workerd %d still has requests after %g s: killed", self.pid, _DRAIN_SECONDS)
            finally:
                await self.kill()

    async def _forward(self, stream: asyncio.StreamReader, level: int, tail: deque[str]) -> None:
        """Log a stream by lines, however long an app makes them."""
        rest = b""
        while chunk := await stream.read(_LINE_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _LINE_BYTES:
                lines, rest = [*lines, rest], b""
            for line in lines:
                text = line.decode(errors="replace")
                tail.append(text)
                log.log(level, "workerd %d: %s", self.pid, text)


async def _asked(port: int, method: str) -> asyncio.StreamWriter:
    """The connection of a request whose answer has begun. Raises `OSError` or `EOFError`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_request(method))
        await reader.readuntil(b"\r\n\r\n")
    except BaseException:
        writer.close()
        raise
    return writer


def _request(method: str) -> bytes:
    return f"{method} / HTTP/1.1\r\nHost: probe\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


async def release_date(workerd: Path) -> str:
    """The date in the binary's version, YYYY-MM-DD: the latest compatibility date that it takes on any day.

    Raises `LaunchError`.
    """
    output, _ = await (await _execute(workerd, "--version")).communicate()
    return output.decode().split()[-1]


async def _execute(workerd: Path, *arguments: str, **options: Any) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            workerd, *arguments, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, **options
        )
    except OSError as error:
        raise LaunchError(f"cannot run {workerd}: {error.strerror}", []) from error


@contextmanager
def _private_file(path: Path, text: str) -> Iterator[None]:
    """A file that this user alone can read, while the block runs."""
    path.unlink(missing_ok=True)
    with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)
    try:
        yield
    finally:
        path.unlink()
