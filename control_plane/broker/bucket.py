"""A bucket as a `Store` of bundles: Amazon's S3, Cloudflare's R2, or whatever speaks as they do."""

import hashlib
import tempfile
from collections.abc import Iterable

import obstore
from obstore.store import S3Store


class Bucket:
    """The objects below `url`, `s3://bucket/prefix`, in the order that `Folder` has for files.

    Credentials, region and endpoint are AWS's own variables of the environment. What a bucket does not take, after some
    tries, raises `obstore.exceptions.BaseError`.
    """

    def __init__(self, url: str) -> None:
        self._objects = S3Store.from_url(url)

    def put(self, chunks: Iterable[bytes]) -> str:
        """Nothing is sent of what is there in its size: most files of a deploy were in the one before.

        A service checks what it stores by itself. An object that somebody else has overwritten in the same size is told
        of by `Bundles.read`, and is kept anew once it was removed.
        """
        digest = hashlib.sha256()
        with tempfile.TemporaryFile() as file:
            for chunk in chunks:
                digest.update(chunk)
                file.write(chunk)
            size, path = file.tell(), _file(digest.hexdigest())
            if self._size(path) != size:
                file.seek(0)
                obstore.put(self._objects, path, file)
        return digest.hexdigest()

    def get(self, digest: str) -> bytes:
        try:
            return bytes(obstore.get(self._objects, _file(digest)).bytes())
        except FileNotFoundError:
            raise KeyError(digest) from None

    def size(self, digest: str) -> int:
        size = self._size(_file(digest))
        if size is None:
            raise KeyError(digest)
        return size

    def name(self, name: str, digest: str) -> None:
        obstore.put(self._objects, _name(name), digest.encode())

    def named(self, name: str) -> bytes:
        try:
            return bytes(obstore.get(self._objects, _name(name)).bytes())
        except FileNotFoundError:
            raise KeyError(name) from None

    def _size(self, path: str) -> int | None:
        try:
            return int(obstore.head(self._objects, path)["size"])
        except FileNotFoundError:
            return None


def _file(digest: str) -> str:
    return f"files/{digest[:2]}/{digest}"


def _name(name: str) -> str:
    return f"names/{name[:2]}/{name}"
