"""Uploads in parts, which become one object at the end. What R2 doesn't do is an `R2Error`."""

import hashlib
import secrets
from collections.abc import Sequence

from local_cloud.r2 import errors
from local_cloud.r2.bucket import About, Bucket, Content, check_key
from local_cloud.store import Document

MIN_PART_BYTES = 5 * 1024 * 1024
"""Of each part but the last."""
PARTS = range(1, 10_001)


class Uploads:
    """Those to one bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._store = bucket.store

    def create(self, key: str, about: About) -> str:
        """The id of a new upload."""
        about.check()
        upload = secrets.token_urlsafe(96)
        kept = {
            "key": check_key(key),
            "http_metadata": dict(about.http_metadata),
            "custom_metadata": dict(about.custom_metadata),
            "storage_class": about.storage_class,
        }
        self._store.put("r2_uploads", self._bucket.name, upload, kept)
        return upload

    def put_part(self, key: str, upload: str, number: int, body: bytes) -> str:
        """Keep a part, over an older one of that number; its ETag."""
        self._about(key, upload)
        if number not in PARTS:
            raise errors.invalid_argument(f"Part number must be between {PARTS[0]} and {PARTS[-1]}.")
        if len(body) > errors.MAX_OBJECT_BYTES:
            raise errors.too_large()
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        part = {"blob": self._store.put_blob(body), "size": len(body), "etag": etag}
        self._store.put("r2_parts", upload, _number(number), part)
        return etag

    def complete(self, key: str, upload: str, wanted: Sequence[tuple[int, str]]) -> Document:
        """Make the object of the parts that have these numbers and ETags."""
        about = self._about(key, upload)
        parts = self._parts(upload, sorted(wanted))
        *others, last = parts
        if any(part["size"] < MIN_PART_BYTES for part in others):
            raise errors.too_small()
        if others and (len({part["size"] for part in others}) > 1 or last["size"] > others[0]["size"]):
            raise errors.unequal_parts()
        together = hashlib.md5(b"".join(bytes.fromhex(part["etag"]) for part in parts), usedforsecurity=False)
        kept = [{"blob": part["blob"], "size": part["size"]} for part in parts]
        made = self._bucket.keep(key, Content(parts=kept, etag=f"{together.hexdigest()}-{len(parts)}"), about)
        self._forget(upload)
        return made

    def abort(self, key: str, upload: str) -> None:
        self._about(key, upload)
        self._forget(upload)

    def clear(self) -> None:
        """Abort all."""
        for upload, _ in list(self._store.items("r2_uploads", self._bucket.name)):
            self._forget(upload)

    def _about(self, key: str, upload: str) -> About:
        found = self._store.get("r2_uploads", self._bucket.name, upload)
        if not found or found["key"] != key:
            raise errors.no_such_upload()
        return About(**{name: value for name, value in found.items() if name != "key"})

    def _parts(self, upload: str, wanted: Sequence[tuple[int, str]]) -> list[Document]:
        parts = [self._store.get("r2_parts", upload, _number(number)) for number, _ in wanted]
        once = len({number for number, _ in wanted}) == len(wanted) > 0
        if not once or any(not part or part["etag"] != etag for part, (_, etag) in zip(parts, wanted, strict=True)):
            raise errors.invalid_part()
        return parts

    def _forget(self, upload: str) -> None:
        self._store.delete("r2_uploads", self._bucket.name, upload)
        self._store.clear("r2_parts", upload)


def _number(number: int) -> str:
    """As a key that sorts."""
    return f"{number:05}"
