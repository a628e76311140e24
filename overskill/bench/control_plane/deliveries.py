"""Signed deploy notices of an app's pipeline, each a delivery of its own."""

import datetime as dt
import json
import uuid

from standardwebhooks import Webhook

from overskill.bench.load import Target

ACCEPTED = '{"result":"accepted"}'


def deliveries(url: str, app_id: str, secret: str, count: int, first_run: int) -> list[Target]:
    """So many deploys of `app_id` that start, of runs that are numbered from `first_run`, signed now."""
    signer, now = Webhook(secret.encode()), dt.datetime.now(dt.UTC)
    return [_delivery(url, signer, now, _notice(app_id, first_run + number, now)) for number in range(count)]


def _notice(app_id: str, run: int, now: dt.datetime) -> str:
    return json.dumps(
        {
            "type": "deploy.started",
            "app": app_id,
            "environment": "production",
            "script": app_id,
            "commit": f"{run:040x}",
            "pull_request": None,
            "run": {"id": run, "attempt": 1, "url": f"http://github.localhost/runs/{run}"},
            "actor": "bench",
            "at": now.isoformat(),
        }
    )


def _delivery(url: str, signer: Webhook, now: dt.datetime, body: str) -> Target:
    delivery = f"msg_{uuid.uuid4().hex}"
    return Target(
        url=f"{url}/api/hooks/deploy",
        host=url.removeprefix("http://"),
        answer=ACCEPTED,
        status=202,
        method="POST",
        headers={
            "Content-Type": "application/json",
            "webhook-id": delivery,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signer.sign(delivery, now, body),
        },
        body=body.encode(),
    )
