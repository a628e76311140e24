"""The naming contract: every name of the platform is built and parsed here, and nowhere else in Python.

`contract/names.json` holds the table of inputs and expected outputs that this module and the dispatch Worker's
`routing.js` are both tested over; its list of reserved names is read from there.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

UrlKind = Literal["path", "subdomain"]
PlatformEnvironment = Literal["development", "staging", "production"]
AppEnvironment = Literal["preview", "staging", "production"]

APP_ENVIRONMENTS: tuple[AppEnvironment, ...] = get_args(AppEnvironment)
MAX_PULL_REQUEST = 999_999
MAX_LABEL = 63
MAX_APP_ID_LENGTH = MAX_LABEL - len("preview-") - len(f"-pr{MAX_PULL_REQUEST}")
"""46: the longest script, `preview-{app id}-pr999999`, has to fit a host label of 63 characters."""

CONTRACT = Path(__file__).parents[1] / "contract" / "names.json"
RESERVED = frozenset(json.loads(CONTRACT.read_text())["reserved"])

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_PULL_REQUEST = re.compile(r"(?P<app_id>.+)-pr(?P<number>[1-9][0-9]{0,5})")


class InvalidAppId(ValueError):
    """An app id that breaks the contract; the message names every rule that it breaks, in one line."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a namespace holds: an app in one app environment, or its preview for one pull request."""

    app_id: str
    environment: AppEnvironment
    pull_request: int | None = None

    @property
    def name(self) -> str:
        """`abc123`, `staging-abc123`, `preview-abc123` or `preview-abc123-pr12`."""
        prefix = "" if self.environment == "production" else f"{self.environment}-"
        suffix = "" if self.pull_request is None else f"-pr{self.pull_request}"
        return f"{prefix}{self.app_id}{suffix}"


def broken_app_id_rules(app_id: str) -> dict[str, str]:
    """The rules that `app_id` breaks, by the contract's rule names, each with its explanation; empty for a good one."""
    rules = {
        "characters": (
            not app_id or _LABEL.fullmatch(app_id),
            "it may hold only a-z, 0-9 and inner hyphens",
        ),
        "length": (
            1 <= len(app_id) <= MAX_APP_ID_LENGTH,
            f"it must have 1 to {MAX_APP_ID_LENGTH} characters, so that preview-{{id}}-pr{MAX_PULL_REQUEST} fits",
        ),
        "environment": (
            not app_id.startswith(("preview-", "staging-")),
            "it may not start with preview- or staging-, which name an app environment",
        ),
        "pullRequest": (
            not re.search(r"-pr[0-9]+\Z", app_id),
            "it may not end in -pr and digits, which name a pull request",
        ),
        "reserved": (app_id not in RESERVED, "it is a reserved name"),
    }
    return {rule: explanation for rule, (kept, explanation) in rules.items() if not kept}


def check_app_id(app_id: str) -> str:
    """Return `app_id`, or raise `InvalidAppId` with the rules that it breaks."""
    if broken := broken_app_id_rules(app_id):
        raise InvalidAppId(f"app id {app_id!r} is refused: {'; '.join(broken.values())}")
    return app_id


def parse_script(name: str) -> Script | None:
    """The app, app environment and pull request that a script's name says, or None if it isn't a script's name."""
    environment: AppEnvironment = "production"
    app_id, pull_request = name, None
    if name.startswith("staging-"):
        environment, app_id = "staging", name.removeprefix("staging-")
    elif name.startswith("preview-"):
        environment, app_id = "preview", name.removeprefix("preview-")
        if match := _PULL_REQUEST.fullmatch(app_id):
            app_id, pull_request = match["app_id"], int(match["number"])
    if broken_app_id_rules(app_id):
        return None
    return Script(app_id=app_id, environment=environment, pull_request=pull_request)


def namespace(prefix: str, platform: PlatformEnvironment, app: AppEnvironment) -> str:
    """`overskill-development-preview`."""
    return f"{prefix}-{platform}-{app}"


def dispatch_worker(prefix: str, platform: PlatformEnvironment) -> str:
    """`overskill-dispatch` in production, `overskill-development-dispatch` elsewhere."""
    return f"{_account_worker(prefix, platform)}-dispatch"


def outbound_worker(prefix: str, platform: PlatformEnvironment) -> str:
    """`overskill-outbound` in production, `overskill-development-outbound` elsewhere."""
    return f"{_account_worker(prefix, platform)}-outbound"


def outbound_beside(dispatch: str) -> str:
    """The outbound Worker of the platform whose dispatch Worker this is."""
    return f"{dispatch.removesuffix('-dispatch')}-outbound"


def _account_worker(prefix: str, platform: PlatformEnvironment) -> str:
    return prefix if platform == "production" else f"{prefix}-{platform}"


def app_store(prefix: str, platform: PlatformEnvironment) -> str:
    """The title of the KV namespace that holds what the Workers know of the apps: `overskill-development-apps`."""
    return f"{prefix}-{platform}-apps"


def smoke_app(prefix: str, platform: PlatformEnvironment) -> str:
    """The id of the app that a platform is tried with: `overskill-smoke`, `overskill-development-smoke`.

    Platforms can share a GitHub organisation, so it is no other one's. Of a longer one, its end is a digest.
    """
    return _shortened(f"{_account_worker(prefix, platform)}-smoke", MAX_APP_ID_LENGTH)


def app_data(namespace: str, app_id: str) -> str:
    """What keeps an app's data in one app environment, database or bucket: `overskill-development-preview-abc123`.

    A bucket's name has 63 characters at most: of a longer one, its end is a digest of the whole.
    """
    return _shortened(f"{namespace}-{app_id}", MAX_LABEL)


def _shortened(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 11]}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def repository_webhook(base: str) -> str:
    """The URL to which each app's repository sends its events, below the platform's `webhookBase`."""
    return f"{base}/github"


def usage_dataset(prefix: str, platform: PlatformEnvironment) -> str:
    """The Analytics Engine dataset: `overskill_development_usage`. It takes no hyphens: SQL names it bare."""
    return f"{prefix}_{platform}_usage".replace("-", "_")


@dataclass(frozen=True)
class PullRequestPlatform:
    """The platform that a pull request of this project has to itself, beside the one that it is a copy of.

    Only its prefix and its domain tell them apart at Cloudflare and GitHub, so both have the number in them.
    """

    number: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MAX_PULL_REQUEST:
            raise ValueError(f"a pull request has a number from 1 to {MAX_PULL_REQUEST}, not {self.number}")

    @property
    def stack(self) -> str:
        """`pr-12`."""
        return f"pr-{self.number}"

    def prefix(self, base: str) -> str:
        """`overskill-pr12`."""
        return f"{base}-pr{self.number}"

    def domain(self, base: str) -> str:
        """`pr-12.dev.overskill.com`: below the other's domain, so in its zone."""
        return f"{self.stack}.{base}"

    @classmethod
    def of_stack(cls, stack: str) -> "PullRequestPlatform | None":
        """The one whose stack is called so, or None for any other stack."""
        number = re.fullmatch(r"pr-([1-9][0-9]{0,5})", stack)
        return cls(int(number[1])) if number else None


@dataclass(frozen=True, kw_only=True)
class Origins:
    """Where the edge of one platform environment answers: both kinds of URL of a script.

    `workers_dev` is the account's host, `overskill.workers.dev`; `port` is None for the scheme's own.
    """

    domain: str
    worker: str
    workers_dev: str
    scheme: str = "https"
    port: int | None = None

    def _origin(self, host: str) -> str:
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    @property
    def path_host(self) -> str:
        """The host of every script's path address: `overskill-dispatch.overskill.workers.dev`."""
        return f"{self.worker}.{self.workers_dev}"

    def subdomain_url(self, script: str) -> str:
        """`https://abc123.overskill.com/`."""
        return self._origin(f"{script}.{self.domain}") + "/"

    def path_url(self, script: str) -> str:
        """`https://overskill-dispatch.overskill.workers.dev/app/abc123/`."""
        return self._origin(self.path_host) + f"/app/{script}/"

    def url(self, script: str, kind: UrlKind) -> str:
        """The one of both that people are given."""
        return self.path_url(script) if kind == "path" else self.subdomain_url(script)
