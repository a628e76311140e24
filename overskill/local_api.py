"""The local cloud's own calls, `/_local`, as commands make them."""

from dataclasses import replace
from typing import Any

import httpx

from overskill.errors import CommandError
from overskill.local_cloud_process import LocalCloud, Programs

SECONDS = 60


def ask(cloud: LocalCloud, method: str, path: str, **options: Any) -> Any:
    """What a call of the running cloud answers, None for nothing; `path` is below `/_local`.

    Raises `CommandError` with the cloud's own words where it refuses, or if it does not run.
    """
    cloud.require()
    headers = {"Authorization": f"Bearer {cloud.credentials()['cloudflare_token']}"}
    url = f"{cloud.api_url}/_local/{path}"
    answer = httpx.request(method, url, headers=headers, timeout=SECONDS, trust_env=False, **options)
    if answer.is_error:
        raise CommandError(_error(answer))
    return answer.json() if answer.content else None


def start(cloud: LocalCloud, programs: Programs, profile: str | None, seed: int) -> bool:
    """Start the cloud under a profile, or give the profile to the one that runs; return whether it was started.

    Raises `CommandError` as `LocalCloud.start` does. Without a profile, one that runs keeps its own.
    """
    started = replace(cloud, profile=profile or cloud.profile, seed=seed).start(programs)
    if not started and profile:
        ask(cloud, "PUT", "profile", json={"name": profile, "seed": seed})
    return started


def _error(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError):
        return f"the local cloud answered {answer.status_code}: {answer.text[:300]}"
