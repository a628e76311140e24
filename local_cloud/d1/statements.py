"""SQL text taken apart into its statements."""

import re
import sqlite3

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))|(?P<end>;)|(?P<space>\s+)|
    '(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[^\s;'"`\[/-]+|.""",
    re.DOTALL | re.VERBOSE,
)


def split(sql: str) -> list[str]:
    """The statements, without what is only comments. The body of a trigger belongs to its statement."""
    statements, start, last = [], 0, 0
    for token in _TOKEN.finditer(sql):
        if token.lastgroup in {"comment", "space"} or (token.lastgroup == "end" and not last):
            continue
        if token.lastgroup == "end" and sqlite3.complete_statement(sql[start : token.end()]):
            statements.append(sql[start:last])
            last = 0
            continue
        start, last = start if last else token.start(), token.end()
    return [*statements, sql[start:last]] if last else statements
