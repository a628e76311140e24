"""`apps.yaml`: the apps that there shall be, read whole and checked before anything is made.

```yaml
apps:
  - id: abc123
    displayName: Acme shop    # and any other key of an app's stack, without overskill-apps:
    appEnvironments: [preview, production]
absent: [xyz789]    # these are destroyed; one that is only left out stays as it is
```
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from infra.config_types import Model
from infra.names import APP_ENVIRONMENTS, AppEnvironment, InvalidAppId, check_app_id
from overskill.app_settings import offenders
from overskill.errors import CommandError
from overskill.lined_yaml import LinedYaml, parse


class InvalidAppsFile(CommandError):
    """The file has offenders; the message names each with its line, app and key."""


class App(Model):
    """An app: its id, and what else `overskill-apps` is told of it, by key."""

    id: str
    config: Mapping[str, Any] = Field(default_factory=dict)


class AppsFile(Model):
    """The apps that there shall be, and the ids of those that there shall not be any more."""

    apps: tuple[App, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class Offender:
    """`line` counts from 1."""

    line: int
    app: str
    what: str

    def __str__(self) -> str:
        return f"  line {self.line}: {f'{self.app}: ' if self.app else ''}{self.what}"


def read(file: Path, environments: Collection[AppEnvironment]) -> AppsFile:
    """The apps of `file`, for a platform with these app environments. Raises `InvalidAppsFile`."""
    try:
        document = parse(file.read_text())
    except OSError as error:
        raise InvalidAppsFile(f"{file} can't be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidAppsFile(f"{file} is no YAML: {error}") from None
    repeated = [Offender(line, "", f"key {key} is given twice") for key, line in document.repeated]
    if wrong := repeated or sorted(_offenders(document, environments)):
        raise InvalidAppsFile(f"{file} has errors, and nothing was changed:\n" + "\n".join(map(str, wrong)))
    entries = document.value.get("apps") or ()
    return AppsFile(
        apps=tuple(App(id=e["id"], config=_config(e, environments)) for e in entries),
        absent=document.value.get("absent") or (),
    )


def _config(entry: Mapping[str, Any], environments: Collection[AppEnvironment]) -> Mapping[str, Any]:
    """What the app's stack is told. The app environments are the platform's, where the app names none."""
    return {"appEnvironments": list(environments)} | {key: value for key, value in entry.items() if key != "id"}


def _offenders(document: LinedYaml, environments: Collection[AppEnvironment]) -> Iterator[Offender]:
    root = document.value
    if not isinstance(root, dict) or not {"apps", "absent"} & root.keys():
        yield Offender(1, "", "is no mapping with `apps` or `absent`")
        return
    for key in root.keys() - {"apps", "absent"}:
        yield Offender(document.line([key]), "", f"{key}: is not a key of this file; those are apps and absent")
    for key in root.keys() & {"apps", "absent"}:
        if not isinstance(root[key] or [], list):
            yield Offender(document.line([key]), "", f"{key}: must be a list")
            return
    seen: dict[str, int] = {}
    for position, entry in enumerate(root.get("apps") or ()):
        path: list[str | int] = ["apps", position]
        yield from _entry_offenders(document, path, entry, environments)
        yield from _id_offenders(document, path, entry.get("id") if isinstance(entry, dict) else None, seen)
    for position, app_id in enumerate(root.get("absent") or ()):
        yield from _id_offenders(document, ["absent", position], app_id, seen)


def _id_offenders(document: LinedYaml, path: list[str | int], app_id: Any, seen: dict[str, int]) -> Iterator[Offender]:
    line = document.line(path)
    if not isinstance(app_id, str):
        yield Offender(line, "", f"has no app id that is a text (it is {app_id!r})")
        return
    try:
        check_app_id(app_id)
    except InvalidAppId as error:
        yield Offender(line, "", str(error))
    if app_id in seen:
        yield Offender(line, app_id, f"is in line {seen[app_id]} already")
    seen.setdefault(app_id, line)


def _entry_offenders(
    document: LinedYaml, path: list[str | int], entry: Any, environments: Collection[AppEnvironment]
) -> Iterator[Offender]:
    if not isinstance(entry, dict):
        return
    app = str(entry.get("id", ""))
    for loc, what in offenders({key: value for key, value in entry.items() if key != "id"}, app):
        yield Offender(document.line([*path, *loc]), app, f"{'.'.join(map(str, loc))}: {what}")
    named = entry.get("appEnvironments")
    known = [each for each in named if each in APP_ENVIRONMENTS] if isinstance(named, list) else []
    if foreign := [environment for environment in known if environment not in environments]:
        line = document.line([*path, "appEnvironments"])
        yield Offender(line, app, f"appEnvironments: the platform has no {', '.join(foreign)}")
