"""Pulumi's engine with its Python language host, in the first of three ways that works here."""

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

from overskill.toolchain.cache import Cache, Part, Workspace
from overskill.toolchain.errors import ToolchainError, Unavailable
from overskill.toolchain.go_modules import build_engine
from overskill.toolchain.programs import answer
from overskill.toolchain.release import RELEASES, unpack_release
from overskill.toolchain.versions import PULUMI

PROGRAMS = (
    "pulumi",
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
)
"""What an engine is: the programs that one folder has to hold."""

_REMEDY = f"Install Pulumi {PULUMI} (its folder on PATH), or make one of these ways work, and run this again."


def install_engine(cache: Cache, releases: str = RELEASES) -> Part:
    """The engine: from the cache, else on PATH, else the official release, else built from its Go modules.

    Raises `ToolchainError` with every way's reason.
    """
    if part := cache.find("pulumi", PULUMI):
        return part
    try:
        return Part(name="pulumi", version=PULUMI, how="on PATH", path=_folder_on_path())
    except Unavailable as reason:
        return cache.install("pulumi", PULUMI, partial(_obtain, cache, releases, str(reason)))


def _obtain(cache: Cache, releases: str, not_on_path: str, workspace: Workspace) -> str:
    tried = [("on PATH", not_on_path)]
    for way, obtain in (
        ("official release", partial(unpack_release, releases=releases)),
        ("built from its Go modules", partial(_build, cache=cache, tried=tried)),
    ):
        try:
            how = obtain(workspace)
            _check(workspace.target)
        except Unavailable as reason:
            tried.append((way, str(reason)))
            shutil.rmtree(workspace.target, ignore_errors=True)
        else:
            return how
    raise ToolchainError(f"Pulumi's engine {PULUMI} cannot be had on this machine:", tried=tried, remedy=_REMEDY)


def _build(workspace: Workspace, *, cache: Cache, tried: list[tuple[str, str]]) -> str:
    return build_engine(workspace, cache=cache, why="; ".join(reason for _, reason in tried))


def _folder_on_path() -> Path:
    program = shutil.which("pulumi")
    if not program:
        raise Unavailable("no pulumi is on PATH")
    # Links (Homebrew's, for one) lead to the folder that holds the rest.
    folder = Path(program).resolve().parent
    _check(folder)
    return folder


def _check(folder: Path) -> None:
    """Raise `Unavailable` unless `folder` holds all programs, and a pulumi that runs here and is the pinned version."""
    if missing := [program for program in PROGRAMS if not os.access(folder / program, os.X_OK)]:
        raise Unavailable(f"{folder} has no {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as home:
        version = answer([str(folder / "pulumi"), "version"], PULUMI_HOME=home, PULUMI_SKIP_UPDATE_CHECK="true")
    if version != f"v{PULUMI}":
        raise Unavailable(f"{folder / 'pulumi'} is {version}, not v{PULUMI}")
