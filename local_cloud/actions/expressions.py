"""Expressions of workflow files, `${{ github.ref }}`, as far as the local cloud itself has to know their values.

That is before act runs: the concurrency group, the names of runs and jobs, a job's environment. Everything else in a
workflow is act's to evaluate.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?)|'(?P<text>(?:[^']|'')*)'|(?P<name>[A-Za-z_][\w-]*)|(?P<sign>&&|\|\||[!=]=|[!().,\[\]]))"""
)
_EXPRESSION = re.compile(r"\$\{\{((?:'[^']*'|(?!\}\}).)*)\}\}", re.DOTALL)
_LITERALS: Mapping[str, Any] = {"true": True, "false": False, "null": None}


class ExpressionError(ValueError):
    """The text is no expression, or one that only act can evaluate; the message says why."""


def interpolate(text: str, contexts: Mapping[str, Any]) -> str:
    """`text` with the value of each `${{ ... }}` in its place. Raises `ExpressionError`."""
    return _EXPRESSION.sub(lambda match: _text(evaluate(match[1], contexts)), text)


def evaluate(expression: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression. What a context does not have is null. Raises `ExpressionError`."""
    parser = _Parser(expression, contexts)
    value = parser.either()
    if parser.tokens:
        raise ExpressionError(f"unexpected {parser.tokens[0][1]!r} in {expression.strip()!r}")
    return value


class _Parser:
    """Evaluates as it reads: expressions have no effects, so both sides of `||` may be evaluated."""

    def __init__(self, expression: str, contexts: Mapping[str, Any]) -> None:
        self._expression = expression.strip()
        self._contexts = contexts
        self.tokens = self._split()

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value if _true(value) else other
        return value

    def _both(self) -> Any:
        value = self._equal()
        while self._take("&&"):
            other = self._equal()
            value = other if _true(value) else value
        return value

    def _equal(self) -> Any:
        value = self._unary()
        while sign := self._take("==", "!="):
            value = _same(value, self._unary()) == (sign == "==")
        return value

    def _unary(self) -> Any:
        return not _true(self._unary()) if self._take("!") else self._access()

    def _access(self) -> Any:
        value = self._primary()
        while sign := self._take(".", "["):
            key = self._next("name") if sign == "." else self.either()
            if sign == "[":
                self._expect("]")
            value = _member(value, key)
        return value

    def _primary(self) -> Any:
        if self._take("("):
            value = self.either()
            self._expect(")")
            return value
        if not self.tokens:
            raise ExpressionError(f"{self._expression!r} ends too early")
        kind, text = self.tokens.pop(0)
        match kind:
            case "number":
                return float(text)
            case "text":
                return text.replace("''", "'")
            case "name" if self._take("("):
                return self._call(text)
            case "name" if text in _LITERALS:
                return _LITERALS[text]
            case "name" if text in self._contexts:
                return self._contexts[text]
        raise ExpressionError(f"{text!r} in {self._expression!r} is not known before the run")

    def _call(self, name: str) -> Any:
        arguments = []
        while not self._take(")"):
            arguments.append(self.either())
            if not self._take(","):
                self._expect(")")
                break
        function = _FUNCTIONS.get(name.lower())
        if not function:
            raise ExpressionError(f"{name}() in {self._expression!r} is not known before the run")
        try:
            return function(*arguments)
        except (TypeError, ValueError, IndexError) as error:
            raise ExpressionError(f"{name}() in {self._expression!r}: {error}") from None

    def _take(self, *signs: str) -> str:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return ""

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise ExpressionError(f"{self._expression!r} lacks a {sign}")

    def _next(self, kind: str) -> str:
        if not self.tokens or self.tokens[0][0] != kind:
            raise ExpressionError(f"{self._expression!r} lacks a {kind}")
        return self.tokens.pop(0)[1]

    def _split(self) -> list[tuple[str, str]]:
        tokens, position = [], 0
        while position < len(self._expression):
            match = _TOKEN.match(self._expression, position)
            if not match:
                raise ExpressionError(f"{self._expression[position:]!r} is no expression")
            tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()
        return tokens


def _member(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping):
        found = {str(name).lower(): item for name, item in value.items()}
        return found.get(_text(key).lower())
    if isinstance(value, list) and isinstance(key, float) and 0 <= key < len(value):
        return value[int(key)]
    return None


def _true(value: Any) -> bool:
    return value not in (None, False, 0, "")


def _same(one: Any, other: Any) -> bool:
    """No case in texts; what differs in type is compared as numbers."""
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return one is other
    return _number(one) == _number(other)


def _number(value: Any) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return math.nan


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


def _format(template: str, *values: Any) -> str:
    return re.sub(
        r"\{(\d+)\}|\{\{|\}\}", lambda match: _text(values[int(match[1])]) if match[1] else match[0][0], template
    )


def _contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, list):
        return any(_same(part, item) for item in whole)
    return _text(part).lower() in _text(whole).lower()


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "contains": _contains,
    "endswith": lambda text, end: _text(text).lower().endswith(_text(end).lower()),
    "format": _format,
    "fromjson": json.loads,
    "startswith": lambda text, start: _text(text).lower().startswith(_text(start).lower()),
    "tojson": lambda value: json.dumps(value, indent=2),
}
