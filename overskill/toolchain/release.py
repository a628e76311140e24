"""Pulumi's official release: an archive for each platform, and one file with the checksums of all."""

import hashlib
import shutil
import tarfile
from pathlib import Path, PurePosixPath

import httpx

from overskill.progress import Step, step
from overskill.toolchain.cache import Workspace
from overskill.toolchain.errors import Unavailable
from overskill.toolchain.reach import NETWORK_ERRORS, describe, why_unreachable
from overskill.toolchain.versions import PULUMI, platform_name

RELEASES = "https://github.com/pulumi/pulumi/releases/download"
TIMEOUT = httpx.Timeout(15, connect=5)
"""Seconds: to connect, and between two pieces of an answer. The whole download may take longer."""

_MEGABYTE = 1 << 20


def unpack_release(workspace: Workspace, releases: str = RELEASES, timeout: httpx.Timeout = TIMEOUT) -> str:
    """Fill the target of `workspace` from the release under `releases`; returns how. Raises `Unavailable`.

    Nothing is unpacked before its SHA-256 is the one that the release states.
    """
    if unreachable := why_unreachable([releases]):
        raise Unavailable(f"{releases} cannot be reached: {unreachable[releases]}")
    archive = f"pulumi-v{PULUMI}-{platform_name()}.tar.gz"
    folder = f"{releases}/v{PULUMI}"
    try:
        with (
            step(f"Downloading Pulumi {PULUMI}", why="its engine is not on this machine") as downloading,
            httpx.Client(timeout=timeout, follow_redirects=True) as client,
        ):
            checksums = client.get(f"{folder}/pulumi-{PULUMI}-checksums.txt").raise_for_status().text
            stated = _stated_digest(checksums, archive)
            digest = _download(client, f"{folder}/{archive}", workspace.scratch / archive, downloading)
    except NETWORK_ERRORS as error:
        raise Unavailable(f"the download of {folder}/{archive} failed: {describe(error)}") from error
    if digest != stated:
        raise Unavailable(f"{folder}/{archive} is damaged: its SHA-256 is {digest}, the release states {stated}")
    _unpack(workspace.scratch / archive, workspace.target)
    return "official release"


def _stated_digest(checksums: str, archive: str) -> str:
    for line in checksums.splitlines():
        match line.split():
            case [digest, name] if name == archive:
                return digest
    raise Unavailable(f"the release states no checksum for {archive}")


def _download(client: httpx.Client, url: str, file: Path, downloading: Step) -> str:
    """Write what `url` answers to `file`; returns its SHA-256."""
    digest = hashlib.sha256()
    with client.stream("GET", url) as response, file.open("wb") as output:
        response.raise_for_status()
        for chunk in response.iter_bytes(_MEGABYTE):
            output.write(chunk)
            digest.update(chunk)
            downloading.detail = f"{response.num_bytes_downloaded // _MEGABYTE} MB"
    return digest.hexdigest()


def _unpack(archive: Path, target: Path) -> None:
    """Copy the archive's programs (its regular files) to `target`, by their names alone: no path or link is obeyed."""
    target.mkdir()
    with tarfile.open(archive) as members:
        for member in members:
            if member.isfile() and (content := members.extractfile(member)):
                program = target / PurePosixPath(member.name).name
                with content, program.open("wb") as output:
                    shutil.copyfileobj(content, output)
                program.chmod(0o755)
