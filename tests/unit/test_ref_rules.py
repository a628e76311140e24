"""Which refs the patterns of a ruleset are about."""

import pytest

from local_cloud.ref_rules import RefRules


@pytest.mark.parametrize(
    ("include", "refs"),
    [
        (["~ALL"], ["refs/heads/main", "refs/heads/a/b", "refs/heads/release/1"]),
        (["~DEFAULT_BRANCH"], ["refs/heads/main"]),
        (["refs/heads/*"], ["refs/heads/main"]),
        (["refs/heads/**/*"], ["refs/heads/main", "refs/heads/a/b", "refs/heads/release/1"]),
        (["refs/heads/**"], ["refs/heads/main"]),
        (["refs/heads/release/?", "refs/heads/m*n"], ["refs/heads/main", "refs/heads/release/1"]),
        (["refs/heads/a.b", "refs/tags/*"], []),
        ([], []),
    ],
)
def test_what_a_pattern_names(include, refs):
    ruleset = {"target": "branch", "include": include, "exclude": [], "rules": ["deletion"]}
    rules = RefRules([ruleset], "main")
    known = ["refs/heads/main", "refs/heads/a/b", "refs/heads/release/1", "refs/tags/v1"]
    assert [ref for ref in known if rules.about(ref)] == refs


def test_what_is_excluded():
    ruleset = {"target": "tag", "include": ["~ALL"], "exclude": ["refs/tags/v*"], "rules": ["deletion"]}
    rules = RefRules([ruleset], "main")
    assert [bool(rules.about(ref)) for ref in ("refs/tags/x", "refs/tags/v1", "refs/heads/main")] == [
        True,
        False,
        False,
    ]
