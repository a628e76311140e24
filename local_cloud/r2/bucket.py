"""The objects of a bucket: put, read, listed, deleted. What R2 doesn't do is an `R2Error`."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from local_cloud.r2 import errors
from local_cloud.r2.conditions import Condition
from local_cloud.store import Document, Reader, Store

MAX_KEYS = 1000
"""On one page of a list, and of those deleted at once."""
MAX_KEY_BYTES = 1024
MAX_METADATA_BYTES = 8192
STORAGE_CLASSES = ("Standard", "InfrequentAccess")
ALGORITHMS = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
"""By hashlib's name, R2's."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What is kept of an object beside its bytes. Without `storage_class`, it has its bucket's."""

    http_metadata: Mapping[str, str | int] = field(default_factory=dict)
    custom_metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str | None = None

    def check(self) -> None:
        size = sum(len(text.encode()) for item in self.custom_metadata.items() for text in item)
        if size > MAX_METADATA_BYTES:
            raise errors.metadata_too_large()
        if self.storage_class not in {None, *STORAGE_CLASSES}:
            raise errors.invalid_argument(f"A storage class is one of {', '.join(STORAGE_CLASSES)}.")


@dataclass(frozen=True, kw_only=True)
class Content:
    """Bytes that are in the store: `parts` are `[{blob, size}]`."""

    parts: Sequence[Document]
    etag: str
    checksums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """What is to be listed: keys that begin with `prefix`, behind `after` and `cursor`; `delimiter` joins keys."""

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    cursor: str = ""
    limit: int = MAX_KEYS


@dataclass(frozen=True, kw_only=True)
class Page:
    """Of a list, in the order of the keys' UTF-8. `prefixes` stand for joined keys; `cursor` is None at the end."""

    objects: list[Document]
    prefixes: list[str]
    cursor: str | None


class BucketReader:
    """A bucket to read from."""

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader = reader
        self.name = name
        found = reader.get("r2_buckets", "", name)
        if not found:
            raise errors.no_such_bucket()
        self.document = found

    @property
    def empty(self) -> bool:
        return not self._reader.count("r2_objects", self.name)

    def head(self, key: str) -> Document:
        found = self._reader.get("r2_objects", self.name, check_key(key))
        if not found:
            raise errors.no_such_key()
        return found

    def read(self, found: Document, offset: int, length: int) -> bytes:
        """Some of an object's bytes."""
        body, start = bytearray(), 0
        for part in found["parts"]:
            first, last = max(offset - start, 0), min(offset + length - start, part["size"])
            if first < last:
                body += self._reader.blob(part["blob"])[first:last]
            start += part["size"]
        return bytes(body)

    def page(self, wanted: Listing) -> Page:
        if not 1 <= wanted.limit <= MAX_KEYS:
            raise errors.R2Error(400, 10022, f"MaxKeys params must be positive integer <= {MAX_KEYS}.")
        objects: list[Document] = []
        prefixes: list[str] = []
        last = max(wanted.after, _decoded(wanted.cursor))
        for key, found in self._reader.items("r2_objects", self.name, after=last):
            if not key.startswith(wanted.prefix):
                continue
            joined = _joined(key, wanted)
            if joined is None or joined not in prefixes[-1:]:
                if len(objects) + len(prefixes) == wanted.limit:
                    return Page(objects=objects, prefixes=prefixes, cursor=_encoded(last))
                if joined is None:
                    objects.append(found)
                else:
                    prefixes.append(joined)
            last = key
        return Page(objects=objects, prefixes=prefixes, cursor=None)


class Bucket(BucketReader):
    """A bucket to write to, inside a transaction."""

    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store, name)
        self.store = store

    def put(
        self,
        key: str,
        body: bytes,
        about: About,
        *,
        condition: Condition | None = None,
        checksums: Mapping[str, str] | None = None,
    ) -> Document:
        """Keep an object, over an older one that meets the condition. `checksums` are what its bytes have to have."""
        if len(body) > errors.MAX_OBJECT_BYTES:
            raise errors.too_large()
        digests = _digests(body, checksums or {})
        part = {"blob": self.store.put_blob(body), "size": len(body)}
        return self.keep(key, Content(parts=[part], etag=digests["md5"], checksums=digests), about, condition)

    def keep(self, key: str, content: Content, about: About, condition: Condition | None = None) -> Document:
        about.check()
        found = self.store.get("r2_objects", self.name, check_key(key))
        if condition and not condition.holds(found):
            raise errors.condition_failed()
        made = {
            "key": key,
            "version": secrets.token_hex(16),
            "size": sum(part["size"] for part in content.parts),
            "etag": content.etag,
            "uploaded": time.time_ns() // 10**6,
            "http_metadata": dict(about.http_metadata),
            "custom_metadata": dict(about.custom_metadata),
            "checksums": dict(content.checksums),
            "storage_class": about.storage_class or self.document["storage_class"],
            "parts": list(content.parts),
        }
        self.store.put("r2_objects", self.name, key, made)
        return made

    def delete(self, keys: Iterable[str]) -> None:
        """A key that is not there is no error."""
        for key in keys:
            self.store.delete("r2_objects", self.name, check_key(key))


def check_key(key: str) -> str:
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
        raise errors.invalid_name()
    return key


def _digests(body: bytes, given: Mapping[str, str]) -> dict[str, str]:
    """MD5, and those given, which have to be right."""
    digests = {}
    for algorithm in dict.fromkeys(("md5", *given)):
        digests[algorithm] = hashlib.new(algorithm, body, usedforsecurity=False).hexdigest()
        if given.get(algorithm, digests[algorithm]) != digests[algorithm]:
            raise errors.bad_digest(ALGORITHMS[algorithm], given[algorithm], digests[algorithm])
    return digests


def _joined(key: str, wanted: Listing) -> str | None:
    """What stands for the key in a list with a delimiter; None if it stands for itself."""
    if not wanted.delimiter:
        return None
    first, delimiter, _ = key[len(wanted.prefix) :].partition(wanted.delimiter)
    return f"{wanted.prefix}{first}{delimiter}" if delimiter else None


def _encoded(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decoded(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except ValueError:
        raise errors.invalid_argument("The cursor is none of a list.") from None
