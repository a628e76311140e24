"""Which provider plugins the engine runs: the official ones, or the stand-ins that serve the local cloud alone.

Each kind has a PULUMI_HOME of its own below `.overskill/pulumi-home`. So a stand-in is found by no run that did not
choose it, and nothing of ours gets into the user's home.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock

from overskill.progress import CommandFailed, step
from overskill.toolchain.errors import ToolchainError, Unavailable
from overskill.toolchain.programs import answer
from overskill.toolchain.reach import why_unreachable
from overskill.toolchain.versions import PROVIDERS

Mode = Literal["auto", "official", "standin"]

DOWNLOAD_HOSTS = ("https://api.github.com", "https://get.pulumi.com")
"""Where `pulumi plugin install` looks, in this order."""

ANALYZER = "analyzer-policy-overskill-v1.0.0/pulumi-analyzer-policy-overskill"
"""What runs the policy pack; the engine looks for it by the `runtime` of `policies/PulumiPolicy.yaml`."""

_DOWNLOAD_SECONDS = 600
_STAND_IN = """#!/bin/sh
exec {python} -P -m local_cloud.providers {name} "$@"
"""
_ANALYZER = """#!/bin/sh
exec {python} -u -m pulumi.policy "$1" "$2"
"""


@dataclass(frozen=True, kw_only=True)
class ProviderChoice:
    """The plugins for a run, all of one kind."""

    kind: Literal["official", "standin"]
    why: str
    pulumi_home: Path

    def __str__(self) -> str:
        """The line that every run prints."""
        return f"providers: {'official plugins' if self.kind == 'official' else 'stand-ins'} ({self.why})"

    def environment(self) -> dict[str, str]:
        """Makes the engine use these plugins and no other, not even one on PATH."""
        return {"PULUMI_HOME": str(self.pulumi_home), "PULUMI_IGNORE_AMBIENT_PLUGINS": "true"}


def choose(mode: Mode, project_home: Path, pulumi: Path) -> ProviderChoice:
    """Choose the plugins and put them into their PULUMI_HOME below `project_home`; `pulumi` is the engine.

    `auto` takes the official plugins if each is on PATH, in Pulumi's plugin cache or can be installed, else the
    stand-ins. Where no download host can be reached, that is known within three seconds. Raises `ToolchainError` if
    `mode` is `official` and they cannot be had.
    """
    homes = project_home / "pulumi-home"
    homes.mkdir(parents=True, exist_ok=True)
    with FileLock(homes / ".lock"):
        for kind in ("official", "standin"):
            _write_program(homes / kind / "plugins" / ANALYZER, _ANALYZER.format(python=shlex.quote(sys.executable)))
        if mode == "standin":
            return _stand_ins(homes / "standin", "asked for")
        try:
            return _official(homes / "official", pulumi, project_home / "logs" / "provider-plugins.log")
        except Unavailable as reason:
            if mode == "auto":
                return _stand_ins(homes / "standin", str(reason))
            versions = " and ".join(f"{name} {version}" for name, version in PROVIDERS.items())
            remedy = (
                "Run `pulumi plugin install resource NAME VERSION` for each where it works, or use --providers standin."
            )
            what = f"The official provider plugins {versions} cannot be had: {reason}."
            raise ToolchainError(what, remedy=remedy) from reason


def _official(home: Path, pulumi: Path, log: Path) -> ProviderChoice:
    absent = {}
    for name, version in PROVIDERS.items():
        try:
            _link_official(home, name, version)
        except Unavailable as reason:
            absent[name] = str(reason)
    if absent:
        _download(absent, home, pulumi, log)
    why = ", ".join(f"{name} {version}" for name, version in PROVIDERS.items())
    return ProviderChoice(kind="official", why=why, pulumi_home=home)


def _link_official(home: Path, name: str, version: str) -> None:
    """Make `home` have the plugin, by a link to the user's if need be. Raises `Unavailable` if the user has none."""
    plugin = _plugin(home, name, version)
    if _complete(plugin):
        return
    users = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    cached = _plugin(users, name, version)
    if _complete(cached) and not users.resolve().is_relative_to(home.parent.resolve()):
        source = cached
    elif on_path := shutil.which(plugin.name):
        source = Path(on_path)
        stated = answer([on_path, "--version"]).removeprefix("v")
        if stated != version:
            raise Unavailable(f"{on_path} is {stated}, not {version}")
    else:
        raise Unavailable(f"the official {name} {version} is not installed")
    plugin.parent.mkdir(parents=True, exist_ok=True)
    plugin.unlink(missing_ok=True)
    plugin.symlink_to(source.resolve())


def _download(absent: Mapping[str, str], home: Path, pulumi: Path, log: Path) -> None:
    """Install what is `absent` (reasons by name) with the engine. Raises `Unavailable`."""
    reasons = "; ".join(absent.values())
    unreachable = why_unreachable(DOWNLOAD_HOSTS)
    if len(unreachable) == len(DOWNLOAD_HOSTS):
        why = " / ".join(dict.fromkeys(unreachable.values()))
        raise Unavailable(f"{reasons}; no route to {' and '.join(unreachable)}: {why}")
    environment = {**os.environ, "PULUMI_HOME": str(home)}
    for name in absent:
        version = PROVIDERS[name]
        # A folder without its program would pass for an installed plugin.
        shutil.rmtree(_plugin(home, name, version).parent, ignore_errors=True)
        command = [str(pulumi), "plugin", "install", "resource", name, version]
        try:
            with step(f"Installing the official {name} plugin {version}", why=absent[name]) as installing:
                installing.run(command, log=log, env=environment, timeout=_DOWNLOAD_SECONDS)
        except CommandFailed as failure:
            raise Unavailable(f"{absent[name]}; {failure.summary}") from failure


def _stand_ins(home: Path, why: str) -> ProviderChoice:
    for name, version in PROVIDERS.items():
        plugin = _plugin(home, name, version)
        _write_program(plugin, _STAND_IN.format(python=shlex.quote(sys.executable), name=name))
    return ProviderChoice(kind="standin", why=why, pulumi_home=home)


def _write_program(file: Path, text: str) -> None:
    """Put an executable in its place by one rename: another run may be starting it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(file)


def _plugin(home: Path, name: str, version: str) -> Path:
    """Where the engine looks for the program of a plugin below a PULUMI_HOME."""
    return home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"


def _complete(plugin: Path) -> bool:
    """Whether the plugin is installed; the engine marks one that it has begun to install by a file `.partial`."""
    return os.access(plugin, os.X_OK) and not plugin.parent.with_name(f"{plugin.parent.name}.partial").exists()
