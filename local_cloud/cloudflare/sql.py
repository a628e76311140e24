"""A small part of Analytics Engine's SQL: rows of one dataset as they were written.

    SHOW TABLES [FORMAT JSON]
    SELECT * | column, ... FROM dataset [WHERE column = 'text' [AND ...]] [ORDER BY timestamp [ASC | DESC]]
        [LIMIT n | ALL] [FORMAT JSON]

Anything else is refused, with the first part that is not served.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"""'(?:[^']|'')*'|"[^"]+"|\w+|\S""")
_TEXT = r"'(?:[^']|'')*'"
_NAME = r'"[^"]+"|[A-Za-z_]\w*'


class SqlError(ValueError):
    """The query is not served; the message says which part of it."""


@dataclass(frozen=True, kw_only=True)
class ShowTables:
    """Which datasets there are."""


@dataclass(frozen=True, kw_only=True)
class Select:
    """Rows of a dataset, of which each column in `equal` holds a text. `limit` None: all of them."""

    columns: tuple[str, ...]
    dataset: str
    equal: tuple[tuple[str, str], ...]
    newest_first: bool
    limit: int | None


def parse(query: str, columns: Mapping[str, str]) -> ShowTables | Select:
    """`columns`: type by name, where `String` can be compared with a text. Raises `SqlError`."""
    tokens = _Tokens(query)
    statement: ShowTables | Select
    if tokens.take("SHOW"):
        tokens.expect("TABLES")
        statement = ShowTables()
    else:
        tokens.expect("SELECT")
        statement = _select(tokens, columns)
    if tokens.take("FORMAT"):
        tokens.expect("JSON")
    tokens.end()
    return statement


def _select(tokens: "_Tokens", columns: Mapping[str, str]) -> Select:
    selected = [*columns] if tokens.take("*") else _listed(tokens, columns)
    tokens.expect("FROM")
    dataset = tokens.matching(_NAME, "a dataset").strip('"')
    equal = []
    if tokens.take("WHERE"):
        texts = {name: kind for name, kind in columns.items() if kind == "String"}
        equal.append(_comparison(tokens, texts))
        while tokens.take("AND"):
            equal.append(_comparison(tokens, texts))
    newest_first = False
    if tokens.take("ORDER"):
        tokens.expect("BY")
        tokens.expect("timestamp")
        newest_first = tokens.take("DESC")
        if not newest_first:
            tokens.take("ASC")
    limit = int(tokens.matching(r"\d+", "a number")) if tokens.take("LIMIT") and not tokens.take("ALL") else None
    return Select(columns=tuple(selected), dataset=dataset, equal=tuple(equal), newest_first=newest_first, limit=limit)


def _listed(tokens: "_Tokens", columns: Mapping[str, str]) -> list[str]:
    names = [tokens.one_of(columns)]
    while tokens.take(","):
        names.append(tokens.one_of(columns))
    return names


def _comparison(tokens: "_Tokens", columns: Mapping[str, str]) -> tuple[str, str]:
    column = tokens.one_of(columns)
    tokens.expect("=")
    return column, tokens.matching(_TEXT, "a text")[1:-1].replace("''", "'")


class _Tokens:
    """Reads a query word by word; keywords in upper or lower case."""

    def __init__(self, query: str) -> None:
        self._left = _TOKEN.findall(query.strip().removesuffix(";"))

    def take(self, word: str) -> bool:
        """Whether `word` is next; if so, it is read."""
        if self._left and self._left[0].lower() == word.lower():
            del self._left[0]
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise self._unserved(word)

    def matching(self, pattern: str, what: str) -> str:
        if not self._left or not re.fullmatch(pattern, self._left[0]):
            raise self._unserved(what)
        return self._left.pop(0)

    def one_of(self, columns: Mapping[str, str]) -> str:
        if not self._left or self._left[0] not in columns:
            raise self._unserved("one of the columns " + ", ".join(columns))
        return self._left.pop(0)

    def end(self) -> None:
        if self._left:
            raise self._unserved("the end of the query")

    def _unserved(self, served: str) -> SqlError:
        part = " ".join(self._left) or "the end of the query"
        return SqlError(f"the local cloud does not serve this part of the query: {part} (it serves {served} there)")
