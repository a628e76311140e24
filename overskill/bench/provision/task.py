"""What each contender is to make: the same apps, in the same account and organisation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SCRIPT = 'export default { fetch() { return new Response("being built"); } };\n'
COMPATIBILITY_DATE = "2026-10-01"
EVENTS = ["deployment_status", "pull_request", "push", "workflow_run"]
RULESET: Mapping[str, Any] = {
    "name": "default branch",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}],
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """`scripts` has, by app, its scripts and their namespaces: `{"abc123": [["preview-abc123", "..."], ...]}`.

    `github` and `cloudflare` are the APIs' base URLs, `template` is `owner/name`. `limited`: the APIs hold their
    published limits.
    """

    scripts: Mapping[str, Sequence[Sequence[str]]]
    environments: Sequence[str]
    cloudflare: str
    cloudflare_token: str = field(repr=False)
    github: str
    github_token: str = field(repr=False)
    account: str
    organization: str
    template: str
    webhook: str
    limited: bool
    events: Sequence[str] = field(default_factory=lambda: EVENTS)
    ruleset: Mapping[str, Any] = field(default_factory=lambda: RULESET)

    def json(self) -> str:
        """With its tokens: for the standard input of a contender alone."""
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> "Task":
        return cls(**json.loads(text))


def script_metadata(app: str) -> dict[str, Any]:
    """Of the script that an app has until its first deploy."""
    return {
        "main_module": "index.js",
        "compatibility_date": COMPATIBILITY_DATE,
        "bindings": [{"type": "plain_text", "name": "OVERSKILL_APP", "text": app}],
        "tags": [f"app-{app}", "bench"],
    }
