"""What clients send about a script beside its modules: how it is run, and what it is labelled with."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from local_cloud.call import Strict
from local_cloud.cloudflare.dialect import invalid
from local_cloud.store import Document

MAX_TAGS = 8

UNSERVED = ("assets", "body_part", "containers", "migrations", "placement", "tail_consumers")
"""Fields that are known, but must be empty, or hold nothing but what is: the local edge has nothing behind them."""


def _check_date(text: str) -> str:
    try:
        future = date.fromisoformat(text) > datetime.now(UTC).date()
    except ValueError:
        raise ValueError("must be a date such as 2026-11-01") from None
    if future:
        raise ValueError(f"Can't set compatibility date in the future: {text}")
    return text


class Limits(Strict):
    cpu_ms: int | None = None
    subrequests: int | None = None


class Runtime(Strict):
    """How a script is run: what an upload and a change of settings have in common. None: not sent."""

    unserved: ClassVar[tuple[str, ...]] = UNSERVED

    bindings: list[dict[str, Any]] | None = None
    compatibility_date: Annotated[str, AfterValidator(_check_date)] | None = None
    compatibility_flags: list[str] | None = None
    usage_model: Literal["standard", "bundled", "unbound"] | None = None
    limits: Limits | None = None
    annotations: dict[str, str] | None = None
    assets: dict[str, Any] | None = None
    body_part: str | None = None
    containers: list[Any] | None = None
    migrations: dict[str, Any] | None = None
    placement: dict[str, Any] | None = None
    tail_consumers: list[Any] | None = None

    def refuse_unserved(self) -> None:
        if found := [name for name in self.unserved if _holds_something(getattr(self, name))]:
            raise invalid(*(f"the local cloud does not serve {name!r} yet: leave it out" for name in found))


def _holds_something(value: Any) -> bool:
    # alchemy sends the migrations of each script, as lists of no classes.
    return any(value.values()) if isinstance(value, dict) else bool(value)


class Traces(Strict):
    enabled: bool | None = None
    head_sampling_rate: int | float | None = None
    persist: bool | None = None
    destinations: list[str] | None = None


class Logs(Traces):
    invocation_logs: bool | None = None


class Observability(Strict):
    """Kept and given back; the local cloud keeps logs whatever it says, and no traces."""

    enabled: bool
    head_sampling_rate: int | float | None = None
    logs: Logs | None = None
    traces: Traces | None = None


def _check_tags(tags: list[str]) -> list[str]:
    if len(set(tags)) > MAX_TAGS:
        raise ValueError(f"{len(set(tags))} tags; a script has {MAX_TAGS} at most")
    if wrong := [tag for tag in tags if not tag or set(tag) & set(",&")]:
        raise ValueError(f"a tag must not be empty or hold ',' or '&': {wrong}")
    return list(dict.fromkeys(tags))


Tags = Annotated[list[str], AfterValidator(_check_tags)]


def _check_none(consumers: list[Any]) -> list[Any]:
    if consumers:
        raise ValueError("the local cloud does not serve them yet: leave it out")
    return consumers


NoConsumers = Annotated[list[Any], AfterValidator(_check_none)]


class Traits(Strict):
    """What is a Worker's rather than its code's. None: not sent."""

    logpush: bool | None = None
    observability: Observability | None = None
    tags: Tags | None = None

    def kept(self, previous: Document | None = None) -> Document:
        """`{logpush, observability, tags}`; what was not sent stays as it is in `previous`, or gets its default."""
        sent = self.model_dump(include=set(Traits.model_fields), exclude_none=True)
        return {"logpush": False, "observability": None, "tags": [], **(previous or {}), **sent}


class Program(Runtime):
    """An upload of code: how it is run, and which module comes first."""

    main_module: str
    keep_bindings: list[str] = Field(default_factory=list)


class CodeUpdateStrategy(Strict):
    """When Durable Objects take up new code. There are none in the local cloud, so it changes nothing."""

    mode: Literal["immediate", "deferred"]
    max_delay: int | float | None = None


class Metadata(Program, Traits):
    """The part `metadata` of an upload. `package_dependencies` is told to Cloudflare, and shown by no call."""

    keep_assets: bool = False
    code_update_strategy: CodeUpdateStrategy | None = None
    package_dependencies: list[dict[str, str]] = Field(default_factory=list)


class AssetsConfig(Strict):
    """How static assets are served. `_headers` and `_redirects` are the texts of these files."""

    html_handling: Literal["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"] | None = None
    not_found_handling: Literal["single-page-application", "404-page", "none"] | None = None
    base_path: Annotated[str, Field(pattern=r"^/([^/\\?#%\x00-\x1f\x7f][^\\?#%\x00-\x1f\x7f]*)?$")] | None = None
    run_worker_first: bool | list[str] | None = None
    headers: str | None = Field(default=None, alias="_headers")
    redirects: str | None = Field(default=None, alias="_redirects")


class Assets(Strict):
    """Static assets of an upload. `jwt` is the last token of their session."""

    jwt: str | None = None
    config: AssetsConfig | None = None


class ScriptMetadata(Metadata):
    """Of an upload into a namespace: it may have static assets, beside modules or alone."""

    unserved: ClassVar[tuple[str, ...]] = tuple(name for name in UNSERVED if name != "assets")

    main_module: str | None = None  # type: ignore[assignment]
    assets: Assets | None = None  # type: ignore[assignment]
