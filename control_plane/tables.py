"""What the control plane keeps. Times are UTC, with a zone; JSON columns hold what their comment says."""

import datetime as dt
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Instant(sa.TypeDecorator[dt.datetime]):
    """A time in UTC. SQLite keeps no zone, so it is put back there."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        return value and value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        return value and (value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC))


class Table(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {dt.datetime: Instant, dict[str, Any]: sa.JSON, list[str]: sa.JSON}


BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite counts up only what is called INTEGER."""


def _failed(table: str) -> sa.Index:
    """The rows that have an error: a few of very many."""
    where = sa.text("error IS NOT NULL")
    return sa.Index(f"{table}_failed", "id", sqlite_where=where, postgresql_where=where)


class App(Table):
    """An app of the platform. `customer` is the builder's own name of who it belongs to.

    `repository_id` is GitHub's number: another repository that takes the name has another one.
    """

    __tablename__ = "apps"
    __table_args__ = (sa.Index("apps_found", "id", "state", "search"),)  # to look through all without reading each row

    id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    plan: Mapped[str]
    customer: Mapped[str | None] = mapped_column(index=True)
    repository: Mapped[str] = mapped_column(index=True)
    repository_id: Mapped[int] = mapped_column(sa.BigInteger, unique=True)
    declared: Mapped[dict[str, Any]]  # as `declaration.Declaration`
    state: Mapped[str]  # active, or as `overskill app suspend` sets it
    search: Mapped[str]  # what it is found by, in lower case: `_name` keeps it
    created_at: Mapped[dt.datetime] = mapped_column(index=True)
    updated_at: Mapped[dt.datetime] = mapped_column(index=True)


@sa.event.listens_for(App, "before_insert")
@sa.event.listens_for(App, "before_update")
def _name(_mapper: Any, _connection: Any, app: App) -> None:
    """No generated column: SQLite does not take one from an index, and knows no lower case but ASCII's."""
    app.search = " ".join([app.id, app.display_name, app.customer or "", app.repository]).lower()


class Deployment(Table):
    """One run of an app's pipeline for one script. `phases` has the time at which it came to each status."""

    __tablename__ = "deployments"
    __table_args__ = (
        sa.UniqueConstraint("app_id", "script", "run_id", "run_attempt"),
        sa.Index("ix_deployments_script_created_at", "script", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    app_id: Mapped[str] = mapped_column(sa.ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    environment: Mapped[str]
    script: Mapped[str]
    run_id: Mapped[int] = mapped_column(sa.BigInteger)  # 0: no workflow run, but a rollback or a rebuild
    run_attempt: Mapped[int]
    commit: Mapped[str]
    ref: Mapped[str | None]
    actor: Mapped[str | None]
    pull_request: Mapped[int | None]
    status: Mapped[str] = mapped_column(index=True)  # `deployments.Status`
    source: Mapped[str] = mapped_column(server_default="pipeline")  # `deployments.Source`
    repeats: Mapped[int | None] = mapped_column(sa.BigInteger)  # the deployment whose bundle was uploaded again
    upload: Mapped[int | None] = mapped_column(sa.BigInteger)  # the number of its upload among its script's
    bundle: Mapped[str | None]  # SHA-256 of what was uploaded
    url: Mapped[str | None]
    log_url: Mapped[str | None]
    error: Mapped[str | None]
    phases: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(index=True)
    updated_at: Mapped[dt.datetime]


class Pin(Table):
    """A script that stays as a rollback left it, by `actor`, as the audit has it."""

    __tablename__ = "pins"

    script: Mapped[str] = mapped_column(primary_key=True)
    app_id: Mapped[str] = mapped_column(sa.ForeignKey("apps.id", ondelete="CASCADE"), index=True)
    environment: Mapped[str]
    deployment_id: Mapped[int] = mapped_column(sa.BigInteger)
    actor: Mapped[str]
    at: Mapped[dt.datetime]


class Delivery(Table):
    """A webhook that was accepted: kept until it is worked off, and for a while longer, to know it when it comes again.

    `key` is the sender's delivery id, behind the sender's name.
    """

    __tablename__ = "deliveries"
    __table_args__ = (_failed("deliveries"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    event: Mapped[str]
    app_id: Mapped[str]
    body: Mapped[dict[str, Any]]
    received_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[dt.datetime | None] = mapped_column(index=True)  # None: done
    error: Mapped[str | None]  # of the last attempt that failed


class Event(Table):
    """What somebody who watches is told: `id` is the place in the stream."""

    __tablename__ = "events"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id that was deleted never comes again

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    app_id: Mapped[str | None] = mapped_column(index=True)
    type: Mapped[str]  # deploy.started, app.suspended, provision.step, ...
    data: Mapped[dict[str, Any]]
    at: Mapped[dt.datetime] = mapped_column(index=True)


class Notification(Table):
    """An event on its way to the builder. Without `next_at` it is done, or, with an `error`, a dead letter."""

    __tablename__ = "notifications"
    __table_args__ = (_failed("notifications"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigId, unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    done_at: Mapped[dt.datetime | None]
    error: Mapped[str | None]


class AuditEntry(Table):
    """Who did what, when, from where, with which result. `hash` covers the row and the hash before it."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor: Mapped[str]  # operator:anna, token:builder, repository:org/abc123@run 12, system
    action: Mapped[str]  # app.suspend, deploy.upload, ...
    subject: Mapped[str] = mapped_column(index=True)  # app:abc123, script:preview-abc123, ...
    origin: Mapped[str | None]  # an IP address
    result: Mapped[str]  # ok, refused, failed
    details: Mapped[dict[str, Any]]
    hash: Mapped[str] = mapped_column(unique=True)


class AccessToken(Table):
    """A token of the builder's. `hash` is SHA-256: of 256 random bits, so a slow one would add nothing."""

    __tablename__ = "access_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class Operator(Table):
    """Somebody who may use the dashboard. `password` is argon2's hash; None: known by a link or by the proxy alone."""

    __tablename__ = "operators"

    name: Mapped[str] = mapped_column(primary_key=True)
    password: Mapped[str | None]


class LoginLink(Table):
    """A link that logs an operator in, once. `hash` is of its key."""

    __tablename__ = "login_links"

    hash: Mapped[str] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(sa.ForeignKey("operators.name", ondelete="CASCADE"))
    expires_at: Mapped[dt.datetime]


class Login(Table):
    """An operator's session. `hash` is of the cookie; `csrf` has to come with each change."""

    __tablename__ = "logins"

    hash: Mapped[str] = mapped_column(primary_key=True)
    operator: Mapped[str] = mapped_column(sa.ForeignKey("operators.name", ondelete="CASCADE"))
    csrf: Mapped[str]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)


class Provision(Table):
    """An app that the builder asked for, or asked to remove: how far that is. `id` is also its durable workflow's."""

    __tablename__ = "provisions"

    id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str | None] = mapped_column(unique=True)  # the caller's Idempotency-Key, behind the caller
    action: Mapped[str]  # create, destroy
    app_id: Mapped[str] = mapped_column(index=True)
    customer: Mapped[str | None] = mapped_column(index=True)
    actor: Mapped[str]
    request: Mapped[dict[str, Any]]  # as `request.AppRequest`
    status: Mapped[str] = mapped_column(index=True)  # `records.Status`
    step: Mapped[str]
    steps: Mapped[dict[str, Any]]  # when each began, by its name
    error: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
