"""What was deployed, kept by content: rolling back and rebuilding elsewhere read from it.

A bundle is a JSON document, and its digest the SHA-256 of that: `{"metadata": as the app sent it, without secrets,
"modules": [{"name", "content_type", "digest"}], "assets": {path: {"hash", "content_type", "digest"}}}`. Each `digest`
is of a file kept beside it; `hash` is what Cloudflare knows an asset by.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Protocol

from control_plane.broker.bucket import Bucket
from control_plane.settings import Settings


class Store(Protocol):
    """Where the files are."""

    def put(self, chunks: Iterable[bytes]) -> str:
        """Keep a file, in the place of one that is seen to be damaged; its SHA-256."""

    def get(self, digest: str) -> bytes:
        """Whatever is there. Raises `KeyError` where nothing is."""

    def size(self, digest: str) -> int:
        """Bytes of a file. Raises `KeyError`."""

    def name(self, name: str, digest: str) -> None:
        """Give a file a further name, whatever has it."""

    def named(self, name: str) -> bytes:
        """The SHA-256 of what has the name, or whatever is left of it. Raises `KeyError` where nothing is."""


class Folder:
    """A folder as a `Store`. A file is complete once it has its name."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, chunks: Iterable[bytes]) -> str:
        self._root.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self._root) as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            _place(file, self._file(digest.hexdigest()))
        return digest.hexdigest()

    def get(self, digest: str) -> bytes:
        try:
            return self._file(digest).read_bytes()
        except FileNotFoundError:
            raise KeyError(digest) from None

    def size(self, digest: str) -> int:
        try:
            return self._file(digest).stat().st_size
        except FileNotFoundError:
            raise KeyError(digest) from None

    def name(self, name: str, digest: str) -> None:
        with tempfile.NamedTemporaryFile(dir=self._root) as file:
            file.write(digest.encode())
            _place(file, self._name(name))

    def named(self, name: str) -> bytes:
        try:
            return self._name(name).read_bytes()
        except FileNotFoundError:
            raise KeyError(name) from None

    def _file(self, digest: str) -> Path:
        return self._root / "files" / digest[:2] / digest

    def _name(self, name: str) -> Path:
        return self._root / "names" / name[:2] / name


class Bundles:
    """The bundles in a `Store`, which has their files as well."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def put(self, bundle: dict[str, Any]) -> str:
        """Keep a bundle, whose files are kept already; its digest."""
        return self.store.put([canonical(bundle)])

    def open(self, digest: str) -> dict[str, Any]:
        """Raises `KeyError` where there is none, or a damaged one."""
        content: dict[str, Any] = json.loads(self.read(digest))
        return content

    def named(self, name: str) -> dict[str, Any]:
        """The JSON document of a name. Raises `KeyError` where there is none, or either is damaged."""
        digest = self.store.named(name)
        if not re.fullmatch(rb"[0-9a-f]{64}", digest):
            raise KeyError(name)
        return self.open(digest.decode())

    def read(self, digest: str) -> bytes:
        """A file as it was kept. Raises `KeyError` where there is none, or a damaged one."""
        content = self.store.get(digest)
        if hashlib.sha256(content).hexdigest() != digest:
            raise KeyError(digest)
        return content

    def copy(self, digest: str, into: "Bundles") -> None:
        """Keep a bundle there too, with its files. Raises as `open` does.

        Its assets get no names there: the next deploy of the app brings them once more.
        """
        bundle = self.open(digest)
        for file in (*bundle["modules"], *bundle["assets"].values()):
            into.store.put([self.read(file["digest"])])
        into.put(bundle)


def opened(settings: Settings) -> Bundles:
    """Those of a control plane."""
    return kept(settings.bundles, settings.state)


def kept(bucket: str, state: Path) -> Bundles:
    """Those in a bucket, where one is named, or in the folder of a control plane."""
    return Bundles(Bucket(bucket) if bucket else Folder(state / "bundles"))


def canonical(content: Any) -> bytes:
    """JSON of which there is one form for each content."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _place(file: IO[bytes], path: Path) -> None:
    """Put a file there once it is on the disk, also in the place of what a fault of the disk has left."""
    file.flush()
    os.fsync(file.fileno())
    whole = f"{file.name}.whole"
    os.link(file.name, whole)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.replace(whole, path)
