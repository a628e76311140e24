"""What a call costs the one who makes it: counted, shown in the headers of each answer and by `GET /rate_limit`."""

from dataclasses import asdict, dataclass
from typing import Any

from local_cloud.call import Call
from local_cloud.github.access import Caller, caller, identify
from local_cloud.github.accounts import USER_ID
from local_cloud.github.dialect import refusal
from local_cloud.github.permissions import ANYONE, AS_APP
from local_cloud.rate_limits import HOUR, PrimaryLimitError, SecondaryLimitError, Usage
from local_cloud.routing import RouteTable

routes = RouteTable(permission=ANYONE)

RATE_LIMIT = "/rate_limit"
CREATING = {"POST", "PUT", "PATCH"}
LOOPBACK = "127.0.0.1"

GOOD_NEWS = (
    " (But here's the good news: Authenticated requests get a higher rate limit. "
    "Check out the documentation for more details.)"
)
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


@dataclass(frozen=True, kw_only=True)
class Quota:
    """`subject` names the caller as GitHub's messages do. Tokens of one installation, or of the runs of one
    repository, share theirs."""

    subject: str
    limit: int


@routes.on("GET", RATE_LIMIT)
def get_rate_limit(call: Call) -> dict[str, Any]:
    """Costs nothing. Searches are counted by themselves, and there are none here."""
    quota = quota_of(call, caller(call))
    usage = call.cloud.rate_limits.usage(quota.subject, quota.limit)
    search = Usage(limit=30, used=0, remaining=30, reset=usage.reset - int(HOUR) + 60)
    return {"resources": {"core": asdict(usage), "search": asdict(search)}, "rate": asdict(usage)}


def spend(call: Call, who: Caller | None) -> None:
    """Count a call, unless it asks for the counts. Raises GitHub's refusal of one too many, if that is enforced."""
    quota, limits = quota_of(call, who), call.cloud.rate_limits
    try:
        if _is_free(call):
            _show(call, limits.usage(quota.subject, quota.limit))
            return
        _show(call, limits.spend(quota.subject, quota.limit, creates=call.method in CREATING))
    except PrimaryLimitError as error:
        _show(call, error.usage)
        news = GOOD_NEWS if quota.subject == LOOPBACK else ""
        raise refusal(403, f"API rate limit exceeded for {quota.subject}.{news}") from None
    except SecondaryLimitError as error:
        _show(call, limits.usage(quota.subject, quota.limit))
        raise too_much(call, error) from None


def give_back(call: Call) -> None:
    """Take the call out of the count."""
    if _is_free(call):
        return
    quota = quota_of(call, identify(call.cloud, call.headers.get("authorization", "")))
    _show(call, call.cloud.rate_limits.give_back(quota.subject, quota.limit))


def too_much(call: Call, error: SecondaryLimitError) -> Exception:
    call.answer_headers["Retry-After"] = str(error.retry_after)
    return refusal(403, SECONDARY)


def quota_of(call: Call, who: Caller | None) -> Quota:
    """Nobody, who has no token or a wrong one, is known by address."""
    primary = call.cloud.rate_limits.primary
    if call.route and call.route.permission == AS_APP:
        return Quota(subject=f"app ID {call.cloud.credentials.github_app_id}", limit=primary.user)
    if who is None:
        return Quota(subject=LOOPBACK, limit=primary.anonymous)
    if who.token is None:
        return Quota(subject=f"user ID {USER_ID}", limit=primary.user)
    if who.token["run"]:
        (number,) = who.token["repositories"]
        return Quota(subject=f"repository ID {number}", limit=primary.run)
    repositories = call.store.count("repositories", who.token["organization"].lower())
    subject = f"installation ID {who.token['installation']}"
    return Quota(subject=subject, limit=primary.of_installation(repositories))


def _is_free(call: Call) -> bool:
    return call.route is not None and call.route.template == RATE_LIMIT


def _show(call: Call, usage: Usage) -> None:
    shown = {name: str(value) for name, value in asdict(usage).items()}
    call.answer_headers.update({f"X-RateLimit-{name.title()}": value for name, value in shown.items()})
    call.answer_headers["X-RateLimit-Resource"] = "core"
