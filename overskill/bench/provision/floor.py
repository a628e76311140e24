"""The floor of provisioning: the calls that an app needs at least, made by one asynchronous client.

A program of its own, so that it is measured as the others are: it reads a `Task` as JSON from its standard input.
"""

import asyncio
import base64
import json
import sys
from typing import Any

import httpx
from nacl.public import PublicKey, SealedBox

from overskill.bench.provision.task import SCRIPT, Task, script_metadata
from overskill.fleet.budget import Budget
from overskill.fleet.limits import PUBLISHED, Calls

CALLS = Calls(cloudflare=3, github=11, content=10)
"""Of an app: the repository and its settings, topics, ruleset, three environments, variable, key, secret, webhook."""

AT_ONCE = 16
"""Apps; more of them are no faster on two cores."""


async def provision(task: Task) -> None:
    """Make all apps. Raises `httpx.HTTPStatusError` for what is refused."""
    budget, free = Budget(PUBLISHED if task.limited else ()), asyncio.Semaphore(AT_ONCE)
    github = httpx.AsyncClient(base_url=task.github, headers=_bearer(task.github_token), timeout=60, trust_env=False)
    cloudflare = httpx.AsyncClient(
        base_url=task.cloudflare, headers=_bearer(task.cloudflare_token), timeout=60, trust_env=False
    )

    async def make(app: str) -> None:
        async with free, budget.reserved(CALLS):
            await asyncio.gather(_repository(github, task, app), _scripts(cloudflare, task, app))

    async with github, cloudflare:
        await asyncio.gather(*map(make, task.scripts))


async def _repository(client: httpx.AsyncClient, task: Task, app: str) -> None:
    repository = f"repos/{task.organization}/{app}"
    private = {"owner": task.organization, "name": app, "description": app, "private": True}
    await _call(client, "POST", f"repos/{task.template}/generate", private)
    off = dict.fromkeys(("has_issues", "has_projects", "has_wiki"), False)
    webhook = {"url": task.webhook, "content_type": "json", "secret": f"secret-of-{app}"}
    await asyncio.gather(
        _call(client, "PATCH", repository, {**off, "delete_branch_on_merge": True}),
        _call(client, "PUT", f"{repository}/topics", {"names": ["overskill"]}),
        _call(client, "POST", f"{repository}/rulesets", task.ruleset),
        *(_call(client, "PUT", f"{repository}/environments/{each}", {}) for each in task.environments),
        _call(client, "POST", f"{repository}/actions/variables", {"name": "OVERSKILL_APP", "value": app}),
        _call(client, "POST", f"{repository}/hooks", {"events": list(task.events), "config": webhook}),
        _secret(client, repository, f"secret-of-{app}"),
    )


async def _secret(client: httpx.AsyncClient, repository: str, text: str) -> None:
    key = await _call(client, "GET", f"{repository}/actions/secrets/public-key")
    sealed = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(text.encode())
    body = {"encrypted_value": base64.b64encode(sealed).decode(), "key_id": key["key_id"]}
    await _call(client, "PUT", f"{repository}/actions/secrets/OVERSKILL_WEBHOOK_SECRET", body)


async def _scripts(client: httpx.AsyncClient, task: Task, app: str) -> None:
    async def upload(script: str, namespace: str) -> None:
        files = {
            "metadata": (None, json.dumps(script_metadata(app)), "application/json"),
            "index.js": ("index.js", SCRIPT, "application/javascript+module"),
        }
        path = f"accounts/{task.account}/workers/dispatch/namespaces/{namespace}/scripts/{script}"
        (await client.put(path, files=files)).raise_for_status()

    await asyncio.gather(*(upload(*where) for where in task.scripts[app]))


async def _call(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    answer = await client.request(method, path, json=body)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


if __name__ == "__main__":
    asyncio.run(provision(Task.of_json(sys.stdin.read())))
