"""Who does something on this GitHub, known by login: its one user, and the bots of the App and of Actions.

What somebody has made keeps the login as `by`.
"""

from datetime import UTC, datetime
from typing import Any

from local_cloud.cloud import Cloud
from local_cloud.git import EMAIL, NAME
from local_cloud.git_history import Person
from local_cloud.github.links import account_shown

SLUG = "local-overskill"
USER, APP, ACTIONS = NAME, f"{SLUG}[bot]", "github-actions[bot]"

USER_ID = 1_000_000_000
"""Beyond what the store gives to organisations, which are numbered together with users."""

BOTS = {APP: USER_ID + 1, ACTIONS: 41_898_282}
"""Their ids. Workflows know that of Actions."""


def account(cloud: Cloud, login: str) -> dict[str, Any]:
    """As the API shows them."""
    return account_shown(cloud, login, BOTS.get(login, USER_ID), "Bot" if login in BOTS else "User")


def association(login: str) -> str:
    """With a repository: everything is the user's."""
    return "NONE" if login in BOTS else "OWNER"


def person(login: str) -> Person:
    """As git has them, at this moment."""
    email = f"{BOTS[login]}+{login}@users.noreply.github.com" if login in BOTS else EMAIL
    return Person(name=login, email=email, date=datetime.now(UTC).isoformat())
