"""What Cloudflare's API refuses or fails to answer, and what can be done about it."""

TOO_MANY = 429

_REMEDIES = {
    401: "check CLOUDFLARE_API_TOKEN: it is wrong, or has ended",
    403: "give the token of CLOUDFLARE_API_TOKEN the permission Workers Scripts Write on this account",
    404: "bring the platform stack up first: what the call names does not exist",
    TOO_MANY: "the token has spent its 1,200 calls of five minutes: wait for five, then run it again",
}
_AGAIN = "run it again: what was done is taken up, and nothing is done twice"


class CloudflareError(Exception):
    """Cloudflare refused a call, or did not answer it.

    `status` is None if there was no answer. `passing`: the call may succeed later, though not within `retry_after`
    seconds.
    """

    def __init__(
        self, message: str, status: int | None = None, *, passing: bool = False, retry_after: float = 0
    ) -> None:
        super().__init__(message)
        self.status = status
        self.passing = passing
        self.retry_after = retry_after

    @property
    def remedy(self) -> str | None:
        """What helps, where that is known without the call's own subject."""
        return _REMEDIES.get(self.status or 0, _AGAIN if self.passing else None)
