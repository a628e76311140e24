"""What a deploy says of its static assets in text: `_headers`, `_redirects` and the patterns of `run_worker_first`.

Each becomes what Cloudflare's asset Worker and router Worker take in their configuration.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

MAX_LINE = 2000
MAX_HEADER_RULES = 100
MAX_STATIC_REDIRECTS = 2000
MAX_DYNAMIC_REDIRECTS = 100
MAX_PATTERNS = 100
MAX_PATTERN = 100
STATUSES = ("200", "301", "302", "303", "307", "308")

_ABSOLUTE = re.compile(r"https:/{2,}(?P<host>[^/]+)/?(?P<path>.*)")
_DYNAMIC = re.compile(r"\*|:[A-Za-z]\w*")
_LOOP = (
    "Infinite loop detected in this rule. This would cause a redirect to strip `.html` or `/index` and end up "
    "triggering this rule again."
)


class RulesError(ValueError):
    """Not what Cloudflare takes; `problems` names every line that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _LineError(ValueError):
    """What is wrong with one line."""


def redirects(text: str, html_handling: str | None) -> dict[str, Any]:
    """`_redirects` as `{version, staticRules, rules}`. Raises `RulesError`."""
    static: dict[str, Any] = {}
    dynamic: dict[str, Any] = {}
    problems = []
    for number, line in _lines(text):
        try:
            source, target, status = _redirect(line, html_handling)
            if source in static or source in dynamic:
                raise _LineError(f"Ignoring duplicate rule for path {source}.")
            # A rule behind a dynamic one is tried after it, so it is no longer a look-up.
            if dynamic or _DYNAMIC.search(source):
                if len(dynamic) == MAX_DYNAMIC_REDIRECTS:
                    raise _LineError(f"Maximum number of dynamic rules supported is {MAX_DYNAMIC_REDIRECTS}.")
                dynamic[source] = {"status": status, "to": target}
            else:
                if len(static) == MAX_STATIC_REDIRECTS:
                    raise _LineError(f"Maximum number of static rules supported is {MAX_STATIC_REDIRECTS}.")
                static[source] = {"status": status, "to": target, "lineNumber": number}
        except _LineError as error:
            problems.append(f"Line {number}: {error}")
    if problems:
        raise RulesError(problems)
    return {"version": 1, "staticRules": static, "rules": dynamic}


def headers(text: str) -> dict[str, Any]:
    """`_headers` as `{version, rules: {path: {set?, unset?}}}`. Raises `RulesError`."""
    rules: dict[str, dict[str, Any]] = {}
    problems = []
    rule: dict[str, Any] | None = None
    for number, line in _lines(text):
        try:
            if re.match(r"\S+://|/", line):
                rule = None
                if len(rules) == MAX_HEADER_RULES:
                    raise _LineError(f"Maximum number of rules supported is {MAX_HEADER_RULES}.")
                rule = rules.setdefault(_rule_path(line), {})
            elif rule is not None:
                _add_header(rule, line)
            elif not problems:
                raise _LineError("Path should come before header")
        except _LineError as error:
            problems.append(f"Line {number}: {error}")
    problems += [f"{path}: No headers specified" for path, rule in rules.items() if not rule and not problems]
    if problems:
        raise RulesError(problems)
    return {"version": 2, "rules": rules}


def static_routing(patterns: Sequence[str]) -> dict[str, list[str]]:
    """`run_worker_first` as `{user_worker, asset_worker}`, where `!` is for the assets. Raises `RulesError`."""
    user_worker = [pattern for pattern in patterns if pattern.startswith("/")]
    asset_worker = [pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!/")]
    problems = [
        f"'{pattern}': rules must start with '/' or '!/'" for pattern in patterns if not re.match("!?/", pattern)
    ]
    problems += [
        f"'{pattern}': all rules must be less than {MAX_PATTERN} characters in length"
        for pattern in patterns
        if len(pattern) > MAX_PATTERN
    ]
    problems += [
        f"'{pattern}': rule is a duplicate; rules must be unique"
        for pattern in dict.fromkeys(patterns)
        if patterns.count(pattern) > 1
    ]
    problems += [
        f"'{other}': rule '{pattern}' makes it redundant"
        for group in (user_worker, asset_worker)
        for pattern in group
        for other in group
        if pattern.endswith("*") and other != pattern and other.startswith(pattern[:-1])
    ]
    if not user_worker:
        problems.append("must provide at least 1 non-negative rule")
    if len(patterns) > MAX_PATTERNS:
        problems.append(f"{len(patterns)} rules provided exceeds max of {MAX_PATTERNS}")
    if problems:
        raise RulesError(problems)
    return {"user_worker": user_worker, "asset_worker": asset_worker}


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is neither empty nor a comment."""
    for number, line in enumerate(text.split("\n"), 1):
        if (stripped := line.strip()) and not stripped.startswith("#"):
            yield number, stripped


def _redirect(line: str, html_handling: str | None) -> tuple[str, str, int]:
    """Source, target and status of a rule."""
    _check_length(line)
    tokens = re.sub(r"\s+#.*$", "", line).split()
    if not 2 <= len(tokens) <= 3:
        raise _LineError(f"Expected exactly 2 or 3 whitespace-separated tokens. Got {len(tokens)}.")
    if _ABSOLUTE.match(tokens[0]):
        raise _LineError(f"Only relative URLs are allowed. Skipping absolute URL {tokens[0]}.")
    source, target = _pathname("/" + tokens[0].removeprefix("/")), _target(tokens[1])
    status = tokens[2] if len(tokens) == 3 else "302"
    if status not in STATUSES:
        raise _LineError(f"Valid status codes are 200, 301, 302 (default), 303, 307, or 308. Got {status}.")
    relative = target.startswith("/")
    to_index = relative and re.search(r"/index(\.html)?$", target)
    if to_index and (source.endswith("/*") or (source.endswith("/") and html_handling != "none")):
        raise _LineError(_LOOP)
    if status == "200" and not relative:
        raise _LineError(f"Proxy (200) redirects can only point to relative paths. Got {target}")
    return source, target, int(status)


def _target(token: str) -> str:
    if absolute := _ABSOLUTE.match(token):
        return f"https://{absolute['host']}{_pathname('/' + absolute['path'], whole=True)}"
    if token.startswith("/"):
        return _pathname(token, whole=True)
    raise _LineError(
        'URLs should either be relative (e.g. begin with a forward-slash), or use HTTPS (e.g. begin with "https://").'
    )


def _rule_path(line: str) -> str:
    """The path, or `https://host/path`, of a rule of `_headers`."""
    _check_length(line)
    if (absolute := _ABSOLUTE.match(line)) and re.search(r":\d+$", absolute["host"]):
        raise _LineError(f"Specifying ports is not supported. Skipping absolute URL {line}.")
    if not absolute and not line.startswith("/"):
        raise _LineError(f"URLs should either be relative or use HTTPS. Got {line}")
    path = f"https://{absolute['host']}{_pathname('/' + absolute['path'])}" if absolute else _pathname(line)
    if path.count("*") > 1:
        raise _LineError(
            f"Only one wildcard is allowed per rule. Use a named placeholder (e.g. :project) instead. Skipping {path}."
        )
    if "*" in path and re.search(r":splat(?!\w)", path):
        raise _LineError(f"Cannot combine a wildcard * with a :splat placeholder. Skipping {path}.")
    return path


def _add_header(rule: dict[str, Any], line: str) -> None:
    """A line below a path: `name: value`, or `! name` for a header to take away."""
    _check_length(line)
    name, separator, value = line.partition(":")
    if not separator:
        if not line.startswith("! "):
            raise _LineError("Expected a colon-separated header pair (e.g. name: value)")
        rule.setdefault("unset", []).append(line.removeprefix("! "))
        return
    name, value = name.strip().lower(), value.strip()
    if not name or not value:
        raise _LineError("No header value specified" if name else "No header name specified")
    if " " in name:
        raise _LineError("Header name cannot include spaces")
    values = rule.setdefault("set", {})
    values[name] = f"{values[name]}, {value}" if name in values else value


def _check_length(line: str) -> None:
    if len(line) > MAX_LINE:
        raise _LineError(f"exceeds the maximum allowed length of {MAX_LINE}")


def _pathname(path: str, *, whole: bool = False) -> str:
    """A path as URLs have it: dots resolved, percent-encoded. `whole`: with its query and fragment."""
    parts = urlsplit(urljoin("https://host/", "/" + path.lstrip("/")))
    encoded = quote(parts.path, safe="/%:@!$&'()*+,;=~[]|\\^")
    more = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
    return encoded + (more if whole else "")
