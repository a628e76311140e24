"""Whether an app's address answers: the one thing that says that it is there."""

import time

import httpx

SECONDS = 10

MOST = 64 * 1024
"""Bytes that are read of an answer: an app may send without end, or little that unpacks to very much."""

OF_THE_WHOLE = {"content-encoding", "content-length", "transfer-encoding"}
"""Headers that say nothing of a part."""


def answer(url: str) -> httpx.Response:
    """Of a GET, with the first `MOST` bytes of what comes within `SECONDS`, as they come.

    Names below `localhost` are asked for at 127.0.0.1: not every resolver knows them. Raises `httpx.HTTPError` without
    an answer.
    """
    asked, deadline = httpx.URL(url), time.monotonic() + SECONDS
    headers = {"Host": asked.netloc.decode(), "Accept-Encoding": "identity"}
    if asked.host.endswith(".localhost"):
        asked = asked.copy_with(host="127.0.0.1")
    content = bytearray()
    with httpx.stream("GET", asked, headers=headers, timeout=SECONDS, trust_env=False) as got:
        for chunk in got.iter_raw():
            content += chunk
            if len(content) >= MOST or time.monotonic() > deadline:
                break
    kept = [(name, value) for name, value in got.headers.multi_items() if name not in OF_THE_WHOLE]
    return httpx.Response(got.status_code, headers=kept, content=bytes(content[:MOST]))


def failure(url: str) -> str | None:
    """What a GET of `url` has instead of an answer below 400; None if it has one."""
    try:
        got = answer(url)
    except httpx.HTTPError as error:
        return f"{url}: {str(error) or type(error).__name__}"
    return f"{url}: HTTP {got.status_code}" if got.is_error else None
