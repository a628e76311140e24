"""The parts of the local cloud that every call shares, and what is in it from the start."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_cloud.d1 import Databases
from local_cloud.git_repositories import GitRepositories
from local_cloud.profiles import Conditions
from local_cloud.rate_limits import RateLimits
from local_cloud.settings import Settings
from local_cloud.state import Credentials, StateDirectory, StateError
from local_cloud.store import Store
from local_cloud.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Opened by `opening.open_cloud`; the state directory belongs to this process as long as it is in use."""

    settings: Settings
    state: StateDirectory
    credentials: Credentials
    vault: Vault
    store: Store
    repositories: GitRepositories
    databases: Databases
    conditions: Conditions
    rate_limits: RateLimits

    def seed(self) -> None:
        """Add what the settings name and the store lacks: account, zones, workers.dev subdomain, organisations; and
        since when there is GitHub's App."""
        store, settings, at = self.store, self.settings, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        with store.transaction():
            account = store.get("accounts", "", "own") or {"id": settings.account}
            if account["id"] != settings.account:
                raise StateError(
                    f"{self.state.path} belongs to account {account['id']}, not {settings.account}: "
                    f"start with --account {account['id']}, or with another --state"
                )
            store.put("accounts", "", "own", {"subdomain": settings.workers_subdomain, **account})
            known = {zone["name"] for zone in store.values("zones", "")}
            for name in settings.zones:
                if name not in known:
                    created_on = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                    zone = {"id": uuid.uuid4().hex, "name": name, "created_on": created_on}
                    store.put("zones", "", zone["id"], zone)
            for login in settings.organizations:
                organization = store.get("organizations", "", login.lower())
                organization = organization or {"id": store.next_number(), "login": login}
                store.put("organizations", "", login.lower(), {"created_at": at, **organization})
            if not store.get("github_app", "", "times"):
                store.put("github_app", "", "times", {"created_at": at, "updated_at": at})

    def database_ids(self) -> set[str]:
        """The D1 databases that exist."""
        return {uuid for uuid, _ in self.store.items("d1_databases", "")}

    def repository_paths(self) -> set[Path]:
        """The folders of the repositories that exist."""
        return {
            self.repositories.path(repository["owner"], repository["name"])
            for organization in self.store.values("organizations", "")
            for repository in self.store.values("repositories", organization["login"].lower())
        }
