"""The texts of a deploy's static assets, and what Cloudflare's Workers take of them."""

from collections.abc import Sequence

import pytest

from local_cloud.cloudflare.asset_rules import RulesError, headers, redirects, static_routing


def test_redirects_are_looked_up_until_one_has_a_placeholder() -> None:
    text = "# moved\n/a /b\n\n/c  https://host/d?e=f#g 301 # why\n/x/* /y/:splat 308\n/z /é 200\n"
    assert redirects(text, None) == {
        "version": 1,
        "staticRules": {
            "/a": {"status": 302, "to": "/b", "lineNumber": 2},
            "/c": {"status": 301, "to": "https://host/d?e=f#g", "lineNumber": 4},
        },
        "rules": {"/x/*": {"status": 308, "to": "/y/:splat"}, "/z": {"status": 200, "to": "/%C3%A9"}},
    }


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("/a", "Expected exactly 2 or 3"),
        ("/a /b 302 extra", "Got 4"),
        ("https://host/a /b", "Only relative URLs"),
        ("/a http://host", "URLs should either be relative"),
        ("/a /b 404", "Valid status codes"),
        ("/a https://host/b 200", "only point to relative paths"),
        ("/* /index.html 200", "Infinite loop detected"),
        ("/ /index.html", "Infinite loop detected"),
        ("/one /b", "duplicate rule"),
        (f"/{'a' * 2000} /b", "maximum allowed length"),
    ],
)
def test_a_wrong_redirect_is_named_by_its_line(line: str, wrong: str) -> None:
    with pytest.raises(RulesError, match=wrong) as caught:
        redirects(f"/one /two\n{line}", None)
    assert caught.value.problems[0].startswith("Line 2: ")


def test_a_root_leads_to_its_index_where_html_is_not_handled() -> None:
    assert redirects("/ /index.html 200", "none")["staticRules"]["/"]["to"] == "/index.html"


def test_there_are_so_many_redirects_and_no_more() -> None:
    redirects("\n".join(f"/{number} /x" for number in range(2000)), None)
    with pytest.raises(RulesError, match="static rules supported is 2000"):
        redirects("\n".join(f"/{number} /x" for number in range(2001)), None)
    with pytest.raises(RulesError, match="dynamic rules supported is 100"):
        redirects("\n".join(f"/{number}/* /x" for number in range(101)), None)


def test_headers_are_joined_and_taken_away() -> None:
    text = "/*\n  X-A: 1\n  x-a: 2\n  ! Server\nhttps://host/b\n  Link: <https://x>; rel=y\n"
    assert headers(text) == {
        "version": 2,
        "rules": {
            "/*": {"set": {"x-a": "1, 2"}, "unset": ["Server"]},
            "https://host/b": {"set": {"link": "<https://x>; rel=y"}},
        },
    }


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("X-A: 1", "Path should come before header"),
        ("/a", "No headers specified"),
        ("/a\n  X A: 1", "cannot include spaces"),
        ("/a\n  X-A:", "No header value"),
        ("/a\n  : 1", "No header name"),
        ("/a\n  X-A", "colon-separated"),
        ("/a/*/*\n  X-A: 1", "Only one wildcard"),
        ("/:splat/*\n  X-A: 1", ":splat placeholder"),
        ("https://host:80/\n  X-A: 1", "ports"),
        ("http://host/\n  X-A: 1", "use HTTPS"),
        ("\n".join(f"/{number}\n  a: b" for number in range(101)), "rules supported is 100"),
    ],
)
def test_wrong_headers_are_refused(text: str, wrong: str) -> None:
    with pytest.raises(RulesError, match=wrong):
        headers(text)


def test_patterns_go_to_the_worker_or_to_the_assets() -> None:
    assert static_routing(["/api/*", "!/api/docs/*"]) == {"user_worker": ["/api/*"], "asset_worker": ["/api/docs/*"]}


@pytest.mark.parametrize(
    ("patterns", "wrong"),
    [
        (["api"], "must start with"),
        ([], "at least 1 non-negative"),
        (["!/a"], "at least 1 non-negative"),
        (["/a", "/a"], "must be unique"),
        (["/a/*", "/a/b"], "redundant"),
        ([f"/{'a' * 100}"], "characters in length"),
        ([f"/{number}" for number in range(101)], "exceeds max of 100"),
    ],
)
def test_wrong_patterns_are_refused(patterns: Sequence[str], wrong: str) -> None:
    with pytest.raises(RulesError, match=wrong):
        static_routing(patterns)
