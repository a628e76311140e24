"""Whether a host of the network answers, asked so that the question itself never hangs."""

import threading
import time
from collections.abc import Sequence

import httpx

NETWORK_ERRORS = (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError)
"""What httpx raises without a usable answer; the last two come from unusable proxy settings."""


def why_unreachable(urls: Sequence[str], *, within: float = 3.0) -> dict[str, str]:
    """Those of `urls` at which no HTTP server answers `within` seconds, each with the reason.

    Any answer counts, whatever its status. Proxies of the environment are used. All are asked at once, in threads that
    are left behind at the deadline: a name server that is silent would block longer than any timeout of ours.
    """
    reasons = dict.fromkeys(urls, f"no answer within {within:g} s")

    def ask(url: str) -> None:
        try:
            httpx.head(url, timeout=within)
        except NETWORK_ERRORS as error:
            reasons[url] = describe(error)
        else:
            del reasons[url]

    threads = [threading.Thread(target=ask, args=(url,), daemon=True) for url in urls]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(reasons)


def describe(error: Exception) -> str:
    """One line for a network error, also for those that come without a text."""
    return str(error) or type(error).__name__
