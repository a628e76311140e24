"""What is there and no stack has: scripts in the platform's namespaces, repositories in its organisation, hosts."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from app_stacks.repository_settings import TOPIC
from control_plane.apps import Declaration
from infra.names import Script, broken_app_id_rules
from overskill.drift import compare
from overskill.drift.apis import Apis
from overskill.drift.compare import REPOSITORY, is_young
from overskill.drift.findings import Finding
from overskill.drift.lists import Lists
from overskill.drift.memory import Memory
from overskill.drift.place import Place

VARIABLE = "OVERSKILL_APP"


class Undeclared:
    """One look at all of it; `findings` has what was found. `known` are the apps that are declared, or just were."""

    def __init__(
        self, place: Place, apis: Apis, memory: Memory, known: Mapping[str, Declaration], settles: timedelta
    ) -> None:
        self._place, self._apis, self._memory, self._known, self._settles = place, apis, memory, known, settles
        self.findings: list[Finding] = []

    def look(self, listed: Lists, passing: Collection[str]) -> int:
        """`passing` are apps that are not to be told of. Returns how many repositories are somebody else's."""
        self._scripts(listed, passing)
        if listed.hostnames is not None:
            declared = {host for app in self._known.values() if app.belongings for host in app.belongings.hostnames}
            told = "no app declares it"
            for hostname in sorted(listed.hostnames - declared) if self._all_told() else ():
                self._find("CustomHostname", hostname, told)
        return self._repositories(listed, passing)

    def _all_told(self) -> bool:
        """Whether every app has told what belongs to it."""
        return all(app.belongings for app in self._known.values())

    def _find(self, resource: str, name: str, detail: str, *, ours: bool = False) -> None:
        stack = self._place.stack
        found = Finding(stack=stack, resource=resource, name=name, drift="orphan", detail=detail, ours=ours)
        self.findings.append(found)

    def _scripts(self, listed: Lists, passing: Collection[str]) -> None:
        of_pull_requests: dict[str, list[tuple[tuple[str, str], Script]]] = defaultdict(list)
        for key, named in compare.undeclared_scripts(self._known, listed):
            if named and named.app_id in passing:
                continue
            if named and named.pull_request and named.app_id in self._known:
                of_pull_requests[named.app_id].append((key, named))
            else:
                self._script(listed, key, named)
        for app_id, scripts in sorted(of_pull_requests.items()):
            opened = self._open_pull_requests(self._known[app_id].repository)
            for key, named in scripts:
                theirs = self._place.others(listed.scripts[key].get("tags") or [])
                if theirs or named.pull_request not in opened:
                    self._script(listed, key, named)

    def _script(self, listed: Lists, key: tuple[str, str], named: Script | None) -> None:
        found = compare.of_undeclared_script(self._place, key, named, listed.scripts[key])
        young = is_young(listed.scripts[key].get("created_on"), self._settles)
        self.findings += [one for one in found if one.drift == "foreign" or not young]

    def _open_pull_requests(self, repository: str) -> set[int]:
        return {pull["number"] for pull in self._apis.github_pages(f"repos/{repository}/pulls", state="open")}

    def _repositories(self, listed: Lists, passing: Collection[str]) -> int:
        """An archived one is what a removed app leaves, with its code. Whose any other is, its variable tells. An app's
        own may have been renamed."""
        declared = {app.repository.lower() for app in self._known.values()} | {self._place.template.lower()}
        numbers = {app.repository_id for app in self._known.values()}
        others, known_others = 0, self._memory.others()
        for name, repository in sorted(listed.repositories.items()):
            full_name = f"{self._place.organization}/{repository['name']}"
            if full_name.lower() in declared or repository["id"] in numbers:
                continue
            if name in passing or repository["archived"]:
                continue
            if repository["id"] in known_others or not self._is_ours(full_name, repository):
                others += 1
            elif not is_young(repository["created_at"], self._settles):
                self._find(REPOSITORY, full_name, f"no stack has app {name}", ours=True)
        return others

    def _is_ours(self, full_name: str, repository: Mapping[str, Any]) -> bool:
        """Whether this platform has made it; what it hasn't is remembered."""
        marked = TOPIC in repository.get("topics", ()) and not broken_app_id_rules(repository["name"].lower())
        variable = self._apis.github(f"repos/{full_name}/actions/variables/{VARIABLE}") if marked else None
        namespaces = _namespaces(variable["value"]) if variable else set()
        if namespaces & {*self._place.namespaces.values()}:
            return True
        if not is_young(repository["created_at"], self._settles):
            self._memory.keep_other(repository["id"])
        return False


def _namespaces(value: str) -> set[str]:
    """Those that an app's variable names; none of what is no such variable."""
    try:
        return {*json.loads(value)["namespaces"].values()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
