"""The file of a backup: a compressed tar, with a manifest of each file's digest. Only its user can read it."""

import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overskill.errors import CommandError

MANIFEST = "manifest.json"
VERSION = 1


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def pack(folder: Path, file: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Write the files of `folder` to `file`, which is there whole or not at all; the manifest."""
    files = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()}
    listed = {name: {"sha256": digest(path), "bytes": path.stat().st_size} for name, path in files.items()}
    manifest = {"version": VERSION, **about, "files": listed}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1))
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "wb") as opened:
            with tarfile.open(fileobj=opened, mode="w:gz", compresslevel=6) as tar:
                for name in (MANIFEST, *files):
                    tar.add(folder / name, name)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return manifest


@contextmanager
def unpacked(file: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Its files in a folder, each as its digest says, and the manifest. Raises `CommandError` with all that differs."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".restore-") as name:
        folder = Path(name)
        try:
            with tarfile.open(file) as tar:
                tar.extractall(folder, filter="data")
            manifest = json.loads((folder / MANIFEST).read_text())
            listed = manifest["files"]
        except (OSError, EOFError, tarfile.TarError, KeyError, ValueError) as error:
            raise CommandError(f"{file} is no whole backup: {error}; take another one") from None
        if manifest["version"] != VERSION:
            raise CommandError(f"{file} is of version {manifest['version']}, and this program reads {VERSION}")
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
        wrong = [f"{path} is missing" for path in sorted(listed.keys() - found)]
        wrong += [f"{path} is not in the manifest" for path in sorted(found - listed.keys())]
        wrong += [
            f"{path} was changed"
            for path in sorted(found & listed.keys())
            if digest(folder / path) != listed[path]["sha256"]
        ]
        if wrong:
            raise CommandError(f"{file} is not as it was written; take another one:\n" + "\n".join(wrong))
        yield folder, manifest
