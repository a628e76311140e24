"""Whether an app's address answers: the one thing that says that it is there."""

import httpx

SECONDS = 10


def answer(url: str) -> httpx.Response:
    """Of a GET. Names below `localhost` are asked for at 127.0.0.1: not every resolver knows them.

    Raises `httpx.HTTPError` without one.
    """
    asked = httpx.URL(url)
    headers = {"Host": asked.netloc.decode()}
    if asked.host.endswith(".localhost"):
        asked = asked.copy_with(host="127.0.0.1")
    return httpx.get(asked, headers=headers, timeout=SECONDS, trust_env=False)


def failure(url: str) -> str | None:
    """What a GET of `url` has instead of an answer below 400; None if it has one."""
    try:
        got = answer(url)
    except httpx.HTTPError as error:
        return f"{url}: {str(error) or type(error).__name__}"
    return f"{url}: HTTP {got.status_code}" if got.is_error else None
