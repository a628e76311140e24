"""Identity tokens of jobs, as GitHub issues them: who may ask for one, and what it says.

A job with `permissions: id-token: write` is told a URL and a bearer token. That token is sealed, so that nobody else
can make one, and says for which job of which attempt it is; it is good as long as that job runs.
"""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from nacl.exceptions import CryptoError

from local_cloud.actions import runs, workflows
from local_cloud.cloud import Cloud
from local_cloud.github.oidc_subject import template
from local_cloud.github.repository import find
from local_cloud.store import Document

ROOT = "/_actions/oidc"
SECONDS = 300
CONTEXT_CLAIMS = (
    *("actor", "actor_id", "base_ref", "event_name", "head_ref", "ref", "ref_protected", "ref_type", "repository"),
    *("repository_id", "repository_owner", "repository_owner_id", "run_attempt", "run_id", "run_number", "sha"),
    *("workflow", "workflow_ref", "workflow_sha"),
)
"""The claims that are what the `github` context calls so."""


class NoIdTokenError(Exception):
    """The bearer may have no identity token; the message says why."""


def issuer(cloud: Cloud) -> str:
    return cloud.settings.api_url + ROOT


def request_variables(
    cloud: Cloud, repository: Document, run: Document, job: str, environment: str
) -> Mapping[str, str]:
    """What a job's steps ask for an identity token with."""
    asked = {
        "owner": repository["owner"],
        "name": repository["name"],
        "run": run["id"],
        "guid": run["guid"],
        "attempt": run["run_attempt"],
        "job": job,
        "environment": environment,
    }
    return {
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": cloud.vault.seal(json.dumps(asked)),
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer(cloud)}/token?api-version=2.0",
    }


def claims(cloud: Cloud, bearer: str, audience: str) -> dict[str, Any]:
    """Raises `NoIdTokenError`. The audience is the owner's page, if it is empty."""
    try:
        asked = json.loads(cloud.vault.open(bearer))
    except (CryptoError, ValueError):
        raise NoIdTokenError("The token is not one of a job") from None
    repository = find(cloud, asked["owner"], asked["name"])
    run = repository and runs.run_of(cloud, repository, asked["run"])
    if not repository or not run or not _runs(cloud, repository, run, asked):
        raise NoIdTokenError("The job does not run any more")
    context = workflows.github_context(cloud, repository, run, workflows.payload_of(cloud, run))
    environment = {"environment": asked["environment"]} if asked["environment"] else {}
    own = {
        **{name: context[name] for name in CONTEXT_CLAIMS},
        "job_workflow_ref": context["workflow_ref"],
        "job_workflow_sha": context["workflow_sha"],
        "repository_visibility": "private" if repository["private"] else "public",
        "runner_environment": "github-hosted",
        **environment,
    }
    now = int(time.time())
    return {
        "jti": str(uuid.uuid4()),
        "sub": _subject(cloud, repository, run, own),
        "aud": audience or f"{cloud.settings.api_url}/{repository['owner']}",
        **own,
        "iss": issuer(cloud),
        "nbf": now - 600,
        "exp": now + SECONDS,
        "iat": now,
    }


def _runs(cloud: Cloud, repository: Document, run: Document, asked: Mapping[str, Any]) -> bool:
    """Whether the job that asks goes on. It may ask before it is written down that it has begun."""
    if run["status"] != "in_progress" or (run["guid"], run["run_attempt"]) != (asked["guid"], asked["attempt"]):
        return False
    states = [job["status"] for job in runs.jobs_of(cloud, repository, run) if job["key"] == asked["job"]]
    return not states or "in_progress" in states


def _subject(cloud: Cloud, repository: Document, run: Document, own: Mapping[str, str]) -> str:
    if "environment" in own:
        context = f"environment:{own['environment'].replace(':', '%3A')}"
    else:
        context = "pull_request" if run["event"] == "pull_request" else f"ref:{run['ref']}"
    parts = {
        "repo": f"repo:{repository['owner']}@{own['repository_owner_id']}/{repository['name']}@{repository['id']}",
        "context": context,
    }
    keys = template(cloud, repository)
    return ":".join(parts.get(key) or f"{key}:{own.get(key, '').replace(':', '%3A')}" for key in keys)
