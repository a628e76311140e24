"""What a statement may do, and how large it may be: D1's limits, held by SQLite's own means."""

import sqlite3

MAX_STATEMENT_BYTES = 100_000
TRANSACTIONS = (
    "To execute a transaction, please use the state.storage.transaction() or state.storage.transactionSync() APIs "
    "instead of the SQL BEGIN TRANSACTION or SAVEPOINT statements. The JavaScript API is safer because it will "
    "automatically roll back on exceptions, and because it interacts correctly with Durable Objects' automatic atomic "
    "write coalescing."
)
"""D1's text, word for word: what it means is `batch()`."""

_LIMITS = {
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 5,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 32,
    sqlite3.SQLITE_LIMIT_LENGTH: 2_000_000,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 50,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 100,
}
_PRAGMAS = frozenset(
    {
        "case_sensitive_like",
        "data_version",
        "defer_foreign_keys",
        "foreign_key_check",
        "foreign_key_list",
        "foreign_keys",
        "ignore_check_constraints",
        "index_info",
        "index_list",
        "index_xinfo",
        "legacy_alter_table",
        "optimize",
        "page_size",
        "quick_check",
        "recursive_triggers",
        "reverse_unordered_selects",
        "table_info",
        "table_list",
        "table_xinfo",
    }
)
_MODULES = frozenset({"fts5", "fts5vocab", "rtree"})
"""Of virtual tables."""
_FUNCTIONS = frozenset(
    {
        "fts3_tokenizer",
        "load_extension",
        "sqlite_compileoption_get",
        "sqlite_compileoption_used",
        "sqlite_source_id",
        "sqlite_version",
    }
)
"""Not to be called."""
_DENIED = frozenset(
    {
        sqlite3.SQLITE_ATTACH,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_TRANSACTION,
    }
)
_ON_TABLES = frozenset({sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_READ, sqlite3.SQLITE_UPDATE})
_HIDDEN = frozenset({"bytecode", "dbstat", "sqlite_dbpage", "sqlite_stmt", "tables_used"})
"""Tables that SQLite may be compiled with, and that show its inside."""


class Guard:
    """The authorizer of one connection; while `lifted`, everything is allowed. `refused` is the last action refused."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.lifted = True
        self.refused: int | None = None
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        connection.set_authorizer(self._decide)

    @property
    def refused_transaction(self) -> bool:
        return self.refused in {sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_TRANSACTION}

    def _decide(self, action: int, one: str | None, two: str | None, _schema: str | None, _trigger: str | None) -> int:
        if self.lifted or _allowed(action, one or "", two or ""):
            return sqlite3.SQLITE_OK
        self.refused = action
        return sqlite3.SQLITE_DENY


def _allowed(action: int, one: str, two: str) -> bool:
    if action == sqlite3.SQLITE_PRAGMA:
        return one.lower() in _PRAGMAS
    if action == sqlite3.SQLITE_FUNCTION:
        return two.lower() not in _FUNCTIONS
    if action == sqlite3.SQLITE_CREATE_VTABLE:
        return two.lower() in _MODULES
    if action in _ON_TABLES:
        return one.lower() not in _HIDDEN and not one.lower().startswith("_cf_")
    return action not in _DENIED
