"""A server of this machine that webhooks point at, and what to expect of their deliveries."""

import asyncio
import hmac
import json
import time

from starlette.requests import Request
from starlette.responses import Response

SECRET = "told-to-both-sides"


class Receiver:
    """A server that keeps the requests that it gets; `status` and `delay` are how it answers."""

    def __init__(self):
        self.requests, self.status, self.delay, self.body = [], 200, 0.0, "thanks"
        self.port, self.closed = 0, False

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        self.requests.append((request.headers, await request.body()))
        until = time.monotonic() + self.delay
        while time.monotonic() < until and not self.closed:
            await asyncio.sleep(0.02)
        await Response(self.body, self.status)(scope, receive, send)

    def events(self):
        return [(headers["x-github-event"], json.loads(body)) for headers, body in self.requests]


def ended(gh, hook, count, seconds=10):
    """The deliveries of a hook, the newest first, once there are so many."""
    deadline = time.monotonic() + seconds
    while len(found := gh.get(f"{hook}/deliveries")) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(found) == count
    return found


def signed(body, digest):
    return f"{digest}=" + hmac.new(SECRET.encode(), body, digest).hexdigest()
