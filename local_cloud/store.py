"""What the local cloud remembers: JSON documents and module bodies in one SQLite file.

A document is addressed by collection, scope and key: `("dns_records", zone id, record id)`. A body is addressed by the
SHA-256 of its bytes; a document refers to bodies by `blob`, `parts[*].blob`, `code.modules[*].blob` and
`code.assets.blob`. The file is in WAL mode: what is committed outlives `kill -9`, and a `Reader` of its own never waits
for the one `Store` that writes.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 2

Document = dict[str, Any]

_TABLES = """
CREATE TABLE documents (
    collection TEXT NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (collection, scope, key)
) WITHOUT ROWID;
CREATE TABLE blobs (hash TEXT PRIMARY KEY, body BLOB NOT NULL);
"""
_UNREFERENCED = """
DELETE FROM blobs WHERE hash NOT IN (
    SELECT json_extract(module.value, '$.blob') FROM documents, json_each(documents.value, '$.code.modules') AS module
    UNION ALL SELECT json_extract(part.value, '$.blob') FROM documents, json_each(documents.value, '$.parts') AS part
    UNION ALL SELECT json_extract(value, '$.blob') FROM documents WHERE json_extract(value, '$.blob') IS NOT NULL
    UNION ALL SELECT assets.value FROM documents, json_each(documents.value, '$.code.assets.blob') AS assets
)
"""


class StoreError(Exception):
    """The file can't be used; the message says why and what to do."""


class Reader:
    """Reads what is committed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Calls run one at a time, but not all on one thread.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA busy_timeout = 5000")

    def get(self, collection: str, scope: str, key: str) -> Document | None:
        row = self._connection.execute(
            "SELECT value FROM documents WHERE collection = ? AND scope = ? AND key = ?", (collection, scope, key)
        ).fetchone()
        return json.loads(row[0]) if row else None

    def items(self, collection: str, scope: str, after: str = "") -> Iterator[tuple[str, Document]]:
        """Keys and documents of a scope in the order of the keys, from behind `after` on."""
        rows = self._connection.execute(
            "SELECT key, value FROM documents WHERE collection = ? AND scope = ? AND key > ? ORDER BY key",
            (collection, scope, after),
        )
        return ((key, json.loads(value)) for key, value in rows)

    def newest(self, collection: str, scope: str, count: int) -> list[tuple[str, Document]]:
        """The `count` last keys of a scope with their documents, in the order of the keys."""
        rows = self._connection.execute(
            "SELECT key, value FROM documents WHERE collection = ? AND scope = ? ORDER BY key DESC LIMIT ?",
            (collection, scope, count),
        ).fetchall()
        return [(key, json.loads(value)) for key, value in reversed(rows)]

    def keys(self, collection: str, scope: str) -> Iterator[str]:
        """The keys of a scope in their order, without reading a document."""
        rows = self._connection.execute(
            "SELECT key FROM documents WHERE collection = ? AND scope = ? ORDER BY key", (collection, scope)
        )
        return (key for (key,) in rows)

    def values(self, collection: str, scope: str) -> list[Document]:
        return [value for _, value in self.items(collection, scope)]

    def across(self, collection: str) -> Iterator[tuple[str, str, Document]]:
        """Scope, key and document of everything in a collection, in that order."""
        rows = self._connection.execute(
            "SELECT scope, key, value FROM documents WHERE collection = ? ORDER BY scope, key", (collection,)
        )
        return ((scope, key, json.loads(value)) for scope, key, value in rows)

    def below(self, collection: str, scope: str, prefix: str) -> list[Document]:
        """The documents whose keys begin with `prefix` and a slash, in the order of the keys."""
        rows = self._connection.execute(
            "SELECT value FROM documents WHERE collection = ? AND scope = ? AND key > ? AND key < ? ORDER BY key",
            (collection, scope, f"{prefix}/", f"{prefix}0"),  # 0 comes after the slash
        )
        return [json.loads(value) for (value,) in rows]

    def count(self, collection: str, scope: str) -> int:
        return self._connection.execute(
            "SELECT count(*) FROM documents WHERE collection = ? AND scope = ?", (collection, scope)
        ).fetchone()[0]

    def blob(self, digest: str) -> bytes:
        return self._connection.execute("SELECT body FROM blobs WHERE hash = ?", (digest,)).fetchone()[0]

    def close(self) -> None:
        self._connection.close()


class Store(Reader):
    """The one writer. Writes belong inside `transaction()`; `changed` holds the collections that it has written."""

    changed: set[str]

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.changed = set()
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self._connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
        elif found != SCHEMA_VERSION:
            raise StoreError(
                f"{path} has schema {found}, this local cloud reads schema {SCHEMA_VERSION}: start the version that "
                f"wrote it, or give up what it holds with: rm -r {path.parent}"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything written inside is committed at the end, or nothing if an exception leaves the block."""
        self.changed = set()
        self._connection.execute("BEGIN")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def put(self, collection: str, scope: str, key: str, value: Document) -> None:
        self.changed.add(collection)
        self._connection.execute(
            "INSERT INTO documents VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (collection, scope, key, json.dumps(value)),
        )

    def delete(self, collection: str, scope: str, key: str) -> None:
        self.changed.add(collection)
        self._connection.execute(
            "DELETE FROM documents WHERE collection = ? AND scope = ? AND key = ?", (collection, scope, key)
        )

    def clear(self, collection: str, scope: str) -> None:
        """Delete every document of a scope."""
        self.changed.add(collection)
        self._connection.execute("DELETE FROM documents WHERE collection = ? AND scope = ?", (collection, scope))

    def trim(self, collection: str, scope: str, count: int) -> None:
        """Delete all documents of a scope but those of its `count` last keys."""
        self.changed.add(collection)
        self._connection.execute(
            "DELETE FROM documents WHERE collection = ?1 AND scope = ?2 AND key <= (SELECT key FROM documents "
            "WHERE collection = ?1 AND scope = ?2 ORDER BY key DESC LIMIT 1 OFFSET ?3)",
            (collection, scope, count),
        )

    def put_blob(self, body: bytes) -> str:
        digest = hashlib.sha256(body).hexdigest()
        self._connection.execute("INSERT INTO blobs VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, body))
        return digest

    def next_number(self) -> int:
        """1, 2, 3, ...: never the same twice in the life of this file."""
        number = (self.get("numbers", "", "last") or {"value": 0})["value"] + 1
        self.put("numbers", "", "last", {"value": number})
        return number

    def sweep_blobs(self) -> None:
        """Delete the bodies that no document refers to any more."""
        self._connection.execute(_UNREFERENCED)

    def copy_to(self, path: Path) -> None:
        """Write everything committed to a new file."""
        self._connection.execute("VACUUM INTO ?", (str(path),))

    def copy_from(self, path: Path | None) -> None:
        """Replace everything by what `copy_to` wrote to `path`; by nothing if it is None. All or nothing."""
        if path is None:
            with self.transaction():
                self._empty()
            return
        Store(path).close()
        self._connection.execute("ATTACH ? AS source", (str(path),))
        try:
            with self.transaction():
                self._empty()
                self._connection.execute("INSERT INTO documents SELECT * FROM source.documents")
                self._connection.execute("INSERT INTO blobs SELECT * FROM source.blobs")
        finally:
            self._connection.execute("DETACH source")

    def _empty(self) -> None:
        self._connection.execute("DELETE FROM documents")
        self._connection.execute("DELETE FROM blobs")
