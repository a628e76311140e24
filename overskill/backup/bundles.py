"""The bundles in a backup: which there are, and with their files where that is asked for."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from control_plane.broker.bundles import Bundles, Folder
from control_plane.tables import Deployment

LIST, FOLDER = "bundles.jsonl", "bundles"


def digests(connection: sa.Connection) -> list[str]:
    """Those that deployments name."""
    named = sa.select(Deployment.bundle).where(Deployment.bundle.is_not(None)).distinct().order_by(Deployment.bundle)
    return [str(digest) for digest in connection.scalars(named)]


def write_list(folder: Path, kept: Bundles, named: Iterable[str]) -> list[str]:
    """A line for each bundle, with the digests of its files; those that are not kept whole."""
    broken = []
    with (folder / LIST).open("w") as file:
        for digest in named:
            files = _files(kept, digest)
            if not files:
                broken.append(digest)
            file.write(f"{json.dumps({'bundle': digest, 'files': files})}\n")
    return broken


def within(folder: Path) -> Bundles:
    """Those whose files are in a backup."""
    return Bundles(Folder(folder / FOLDER))


def copy(folder: Path, kept: Bundles, into: Bundles) -> None:
    """The bundles of a backup's list, as far as they are kept whole."""
    for digest in _listed(folder):
        with suppress(KeyError):
            kept.copy(digest, into)


def missing(folder: Path, kept: Bundles) -> list[str]:
    """The bundles of a backup's list that are not kept whole here."""
    return [digest for digest in _listed(folder) if not _files(kept, digest)]


def _listed(folder: Path) -> Iterator[str]:
    for line in (folder / LIST).read_text().splitlines():
        yield json.loads(line)["bundle"]


def _files(kept: Bundles, digest: str) -> list[str]:
    """None where one is missing, or was changed."""
    try:
        bundle = kept.open(digest)
        files = sorted({file["digest"] for file in (*bundle["modules"], *bundle["assets"].values())})
        for file in files:
            kept.store.size(file)
    except KeyError:
        return []
    return files
