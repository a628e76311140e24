"""Everything in one workerd process: the app, a Worker that only forwards to it, and the real dispatch Worker.

What the dispatch Worker is bound to is as lean as it can be here, so that what it costs beyond the others is its own.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from overskill.bench.dispatch_worker import COMPATIBILITY_DATE, NAMESPACES, WORKERS, app_names, modules, target, values
from overskill.bench.load import Target
from overskill.errors import CommandError

STOP_SECONDS = 10

_FRONTS = ("forwarder", "loader", "dispatcher")
_EXTENSIONS = ("dataset", "namespace")


@contextmanager
def one_workerd(workerd: Path, source: Path, apps: int, folder: Path) -> Iterator[dict[str, list[Target]]]:
    """Serve `apps` apps until the block ends; gives what to ask, by row: a target for each app.

    The rows: `direct`, the apps themselves, each at a socket of its own; `forwarder`, through a service binding;
    `loader`, through a namespace and nothing else; `dispatcher`, the dispatch Worker whose modules are in `source`.
    Raises `CommandError` if workerd does not start.
    """
    names = app_names(apps)
    file, log = folder / "one.capnp", folder / "workerd.log"
    file.write_text(configuration(source, names))
    reading, writing = os.pipe()
    # An `embed` with an absolute path is looked up below the import path.
    command: list[str | Path] = [workerd, "serve", "--experimental", "--import-path=/", f"--control-fd={writing}", file]
    with log.open("w") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors, pass_fds=[writing])
    os.close(writing)
    try:
        with os.fdopen(reading) as events:
            ports = _ports(events, len(names) + len(_FRONTS))
        if ports is None:
            raise CommandError(f"workerd does not start:\n{log.read_text(errors='replace')[-2000:]}")
        direct = {"direct": [target(name, ports[name]) for name in names]}
        yield direct | {front: [target(name, ports[front]) for name in names] for front in _FRONTS}
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def configuration(source: Path, names: Sequence[str]) -> str:
    """workerd's, as Cap'n Proto text: a service and a socket of its name for each app and for each way to them."""
    (only, *more) = names
    bound = {name: {"service": name} for name in names} if more else {"APP": {"service": only}}
    workers = {
        **{name: _worker([WORKERS / "app.js"], NAME={"text": name}) for name in names},
        "forwarder": _worker([WORKERS / "forward.js"], **bound),
        "loader": _worker([WORKERS / "load.js"], NAMESPACE=_namespace(), **({} if more else {"APP": {"text": only}})),
        "dispatcher": _worker(
            modules(source),
            **{name: {"json": json.dumps(value)} for name, value in values().items()},
            APPS={"kvNamespace": "no keys"},
            USAGE={"wrapped": {"moduleName": "bench:dataset"}},
            **{binding: _namespace() for binding in NAMESPACES.values()},
        ),
        "no keys": _worker([WORKERS / "no_keys.js"]),
    }
    config = {
        "services": [{"name": name, "worker": worker} for name, worker in workers.items()],
        "sockets": [
            {"name": name, "address": "127.0.0.1:0", "http": {}, "service": name} for name in (*names, *_FRONTS)
        ],
        "extensions": [
            {
                "modules": [
                    {"name": f"bench:{name}", "esModule": WORKERS / f"{name}.js", "internal": True}
                    for name in _EXTENSIONS
                ]
            }
        ],
    }
    return f'using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = {_literal(config)};\n'


def _worker(files: Sequence[Path], **bindings: dict[str, Any]) -> dict[str, Any]:
    return {
        "modules": [{"name": file.name, "esModule": file} for file in files],
        "compatibilityDate": COMPATIBILITY_DATE,
        "bindings": [{"name": name, **binding} for name, binding in bindings.items()],
    }


def _namespace() -> dict[str, Any]:
    """All of them lead to the same loaded apps, which are loaded when they are first asked for."""
    inner = [{"name": "LOADER", "workerLoader": {"id": "apps"}}, {"name": "CODE", "text": WORKERS / "app.js"}]
    return {"wrapped": {"moduleName": "bench:namespace", "innerBindings": inner}}


def _literal(value: Any) -> str:
    """dict -> struct, list -> list, str -> Text, bool -> Bool; a path stands for the file's content."""
    match value:
        case dict():
            return f"({', '.join(f'{field} = {_literal(item)}' for field, item in value.items())})"
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case Path():
            return f"embed {json.dumps(str(value.absolute()), ensure_ascii=False)}"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _ports(events: TextIO, count: int) -> dict[str, int] | None:
    """By socket, once workerd listens at `count` of them; None if it ends before that."""
    ports: dict[str, int] = {}
    while len(ports) < count:
        line = events.readline()
        if not line:
            return None
        event = json.loads(line)
        ports[event["socket"]] = event["port"]
    return ports
