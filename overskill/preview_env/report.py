"""What is told of a pull request's platform, as Markdown for a comment on the pull request."""

from collections.abc import Mapping, Sequence

from infra.credentials import SECRET_VARIABLES
from infra.names import PullRequestPlatform
from overskill.engine import Outcome
from overskill.smoke import Probe

MAX_ERROR = 4_000


def up(
    pull_request: PullRequestPlatform, base: str, outcome: Outcome, probes: Sequence[Probe], *, ttl_hours: int
) -> str:
    """What `up` has changed, and where the platform answers."""
    rows = "\n".join(f"| {probe.title} | {probe.expected} | {probe.url} |" for probe in probes)
    return (
        f"### Platform `{pull_request.stack}` is up\n\n"
        f"A copy of `{base}`. It goes when this pull request is closed, or {ttl_hours} hours "
        f"after its last push.\n\n"
        f"| its smoke test | answers | address |\n|---|---|---|\n{rows}\n\n"
        f"{_changes(outcome)}{_by_hand(pull_request, base)}"
    )


def failed(pull_request: PullRequestPlatform, base: str, error: str, secrets: Mapping[str, str]) -> str:
    """What has gone wrong, without what the environment `secrets` keeps from everybody."""
    for name in SECRET_VARIABLES:
        if value := secrets.get(name):
            error = error.replace(value, f"[{name}]")
    return (
        f"### Platform `{pull_request.stack}` did not come up\n\n"
        f"```text\n{error[:MAX_ERROR].replace('```', '` ` `')}\n```\n\n{_by_hand(pull_request, base)}"
    )


def gone(pull_request: PullRequestPlatform) -> str:
    return f"### Platform `{pull_request.stack}` is gone\n\nWith everything in it. `up` makes it anew.\n"


def _changes(outcome: Outcome) -> str:
    if not outcome.steps:
        return "This push changed nothing of the platform.\n\n"
    summary = "<summary>What this push changed</summary>"
    return f"<details>{summary}\n\n{outcome.diff()}\n</details>\n\n"


def _by_hand(pull_request: PullRequestPlatform, base: str) -> str:
    return f"By hand: `./dev stack preview-env up {pull_request.number} --from {base}`\n"
