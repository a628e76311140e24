"""The stack file of a pull request's platform: a copy of another stack's, in which nothing is that one's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.config import StackConfig
from infra.names import PullRequestPlatform
from overskill.project import Project

NOT_COPIED = frozenset(
    f"overskill:{key}"
    for key in (
        # the other stack's own: what it took up, what it rolls out, its template, its organisation, its neighbours
        *("adopt", "rollout", "templateRepository", "organizationSettings", "exemptHosts"),
        # what needs a zone or an address that only the other one has
        *("customHostnames", "redirectPaths", "previewStacks"),
    )
)


def write(project: Project, base: str, pull_request: PullRequestPlatform) -> Path:
    """Write the file and return it. Raises `CommandError` for a base that has errors, or gives no good platform.

    A platform's configuration holds no secret (`infra/config.py` refuses credentials), so the copy needs no key. What
    is secret in the state is encrypted anew: the stack has a key of its own, from the base's provider.
    """
    file = project.root / f"Pulumi.{pull_request.stack}.yaml"
    config = values(project.stack_values(base), project.stack_config(base), pull_request)
    provider = project.secrets_provider(base)
    kept = {"secretsprovider": provider} if provider else {}
    kept |= yaml.safe_load(file.read_text()) if file.exists() else {}
    file.write_text(yaml.safe_dump({**kept, "config": config}))
    project.stack_config(pull_request.stack)
    return file


def values(base: Mapping[str, Any], config: StackConfig, pull_request: PullRequestPlatform) -> dict[str, Any]:
    """The copy's `config`; `base` is that of the other stack, and `config` the same, checked.

    It is thrown away with all that is in it, so nothing is protected. At Cloudflare no certificate covers a second
    level below the domain, and one of its own would take minutes: there its apps have path addresses.
    """
    platform = config.overskill
    own = {
        "prefix": pull_request.prefix(platform.prefix),
        "domain": pull_request.domain(platform.domain),
        "zone": platform.zone_name,
        "platformEnvironment": "development",
        "protect": False,
        "template": "own",
        "certificate": {"kind": "none"},
        "urls": "path" if platform.edge.scheme == "https" else platform.urls,
    }
    copied = {key: value for key, value in base.items() if key not in NOT_COPIED}
    return copied | {f"overskill:{key}": value for key, value in own.items()}
