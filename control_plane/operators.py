"""Operators: who may use the dashboard, by a password or a link that works once, and for how long."""

import datetime as dt
import secrets
import threading

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy.orm import Session

from control_plane.access import fingerprint
from control_plane.database import Database
from control_plane.tables import Login, LoginLink, Operator

SESSION = dt.timedelta(hours=12)
LINK = dt.timedelta(minutes=15)
SHORTEST_PASSWORD = 12

_hasher = PasswordHasher()
_COST = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
_NOBODY = f"$argon2id$v=19${_COST}${secrets.token_hex(12)}${secrets.token_hex(22)}"
"""No password's hash, in its format: to compare with it takes what any comparison takes, to make one would too."""

_hashing = threading.BoundedSemaphore(2)  # each takes 64 MiB


def set_password(session: Session, name: str, password: str) -> None:
    """Make an operator, or change the password of one: who is logged in by it is so no longer."""
    if len(password) < SHORTEST_PASSWORD:
        raise ValueError(f"a password has {SHORTEST_PASSWORD} characters at least")
    operator = _operator(session, name)
    operator.password = _hasher.hash(password)
    session.execute(sa.delete(Login).where(Login.operator == name))


def is_password(database: Database, name: str, password: str) -> bool:
    """Takes as long for an operator that there is not."""
    with database.reading() as session:
        operator = session.get(Operator, name)
    known = operator.password if operator else None
    with _hashing:
        try:
            _hasher.verify(known or _NOBODY, password)
        except VerificationError:
            return False
    return known is not None


def login_link(session: Session, name: str, url: str) -> str:
    """A link to the dashboard at `url` that logs `name` in, once, within `LINK`; makes the operator."""
    _operator(session, name)
    key = secrets.token_urlsafe(32)
    session.add(LoginLink(hash=fingerprint(key), operator=name, expires_at=dt.datetime.now(dt.UTC) + LINK))
    return f"{url}/login/{key}"


def use_link(session: Session, key: str) -> str | None:
    """Whom the link with `key` logs in; none a second time, or late."""
    used = sa.delete(LoginLink).where(LoginLink.hash == fingerprint(key)).returning(LoginLink)
    link = session.scalar(used)
    return link.operator if link and link.expires_at > dt.datetime.now(dt.UTC) else None


def log_in(session: Session, name: str) -> str:
    """Begin a session of `name`, who has shown who it is, and return what the cookie holds."""
    _operator(session, name)
    now = dt.datetime.now(dt.UTC)
    session.execute(sa.delete(Login).where(Login.expires_at <= now))
    session.execute(sa.delete(LoginLink).where(LoginLink.expires_at <= now))
    cookie = secrets.token_urlsafe(32)
    session.add(
        Login(hash=fingerprint(cookie), operator=name, csrf=secrets.token_urlsafe(32), expires_at=now + SESSION)
    )
    return cookie


def login(database: Database, cookie: str) -> Login | None:
    """The session that a cookie is of, if it holds."""
    with database.reading() as session:
        found = session.get(Login, fingerprint(cookie))
    return found if found and found.expires_at > dt.datetime.now(dt.UTC) else None


def log_out(session: Session, login: Login) -> None:
    session.execute(sa.delete(Login).where(Login.hash == login.hash))


def _operator(session: Session, name: str) -> Operator:
    operator = session.get(Operator, name)
    if operator is None:
        operator = Operator(name=name, password=None)
        session.add(operator)
        session.flush()
    return operator
