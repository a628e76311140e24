"""Who makes the apps: each a program of its own, given the same `Task`."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from overskill.bench.checkout import Checkout
from overskill.bench.provision.task import COMPATIBILITY_DATE, SCRIPT, Task
from overskill.toolchain import Toolchain

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command that makes all apps of a task. `input` may hold tokens."""

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    input: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`whole`: it makes the repositories too, not the scripts alone. `most`: more apps than that take it too long."""

    name: str
    program: Callable[[Task, Checkout, Toolchain, Path], Program]
    whole: bool = True
    most: int | None = None


def fleet(task: Task, checkout: Checkout, _toolchain: Toolchain, folder: Path) -> Program:
    """Ours: `overskill fleet apply`, with Pulumi's engine."""
    apps = folder / "apps.yaml"
    apps.write_text(yaml.safe_dump({"apps": [{"id": app} for app in task.scripts]}))
    command = checkout.command("fleet", "apply", str(apps))
    return Program(command=command, folder=checkout.project.root, environment=checkout.environment)


def floor(task: Task, _checkout: Checkout, _toolchain: Toolchain, folder: Path) -> Program:
    command = [sys.executable, "-m", "overskill.bench.provision.floor"]
    return Program(command=command, folder=folder, environment=os.environ, input=task.json())


def loop(task: Task, _checkout: Checkout, toolchain: Toolchain, folder: Path) -> Program:
    """Of curl and wrangler, app after app."""
    code = folder / "index.js"
    code.write_text(SCRIPT)
    environment = {
        **_cloudflare(task, toolchain),
        "API": task.github.rstrip("/"),
        "GITHUB_TOKEN": task.github_token,
        "ORGANIZATION": task.organization,
        "TEMPLATE": task.template,
        "WEBHOOK": task.webhook,
        "RULESET": json.dumps(task.ruleset),
        "EVENTS": json.dumps(task.events),
        "ENVIRONMENTS": " ".join(task.environments),
        "CODE": str(code),
        "COMPATIBILITY_DATE": COMPATIBILITY_DATE,
    }
    lines = [f"{app} {' '.join(map(':'.join, scripts))}" for app, scripts in task.scripts.items()]
    command = ["bash", str(HERE / "loop.sh")]
    return Program(command=command, folder=folder, environment=environment, input="\n".join(lines) + "\n")


def alchemy(task: Task, _checkout: Checkout, toolchain: Toolchain, folder: Path) -> Program:
    """It has no repository from a template: it makes the scripts alone."""
    packages = toolchain.peers.path
    program = folder / "alchemy.mjs"
    program.write_text((HERE / "alchemy.mjs").read_text())
    (folder / "node_modules").symlink_to(packages / "node_modules")
    scripts = [
        # It takes up no namespace that exists, so each run of it has its own.
        {"app": app, "name": name, "namespace": f"alchemy-{len(task.scripts)}-{namespace}"}
        for app, each in task.scripts.items()
        for name, namespace in each
    ]
    given = {"scripts": scripts, "code": SCRIPT, "compatibilityDate": COMPATIBILITY_DATE}
    environment = {
        **_cloudflare(task, toolchain),
        "TASK": json.dumps(given),
        "ALCHEMY_TELEMETRY_DISABLED": "1",
        "ALCHEMY_CI_STATE_STORE_CHECK": "false",
    }
    return Program(command=["node", str(program)], folder=folder, environment=environment)


def _cloudflare(task: Task, toolchain: Toolchain) -> dict[str, str]:
    """What wrangler and alchemy find Cloudflare by, whichever of the two names each goes by."""
    return {
        **os.environ,
        **toolchain.environment(engine=False),
        "PATH": os.pathsep.join([str(toolchain.wrangler.parent), toolchain.environment(engine=False)["PATH"]]),
        "CLOUDFLARE_API_TOKEN": task.cloudflare_token,
        "CLOUDFLARE_ACCOUNT_ID": task.account,
        "CLOUDFLARE_BASE_URL": task.cloudflare.rstrip("/"),
        "CLOUDFLARE_API_BASE_URL": task.cloudflare.rstrip("/"),
        "WRANGLER_SEND_METRICS": "false",
        "CI": "true",
    }


FLEET, FLOOR = "fleet", "floor"
CONTENDERS = (
    Contender(name=FLOOR, program=floor),
    Contender(name=FLEET, program=fleet),
    Contender(name="loop", program=loop, most=100),
    Contender(name="alchemy", program=alchemy, whole=False),
)
