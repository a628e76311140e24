"""The keys of an app's stack, as people give them: on the command line or in a file of the fleet."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal

import typer
import yaml
from pydantic import ValidationError

from app_stacks.config import CLOUDFLARE_TOKEN, SECRETS, AppConfig
from infra.platform_config import PlatformConfig
from overskill import lined_yaml
from overskill.app_stack_file import is_encrypted
from overskill.errors import CommandError

FROM_THE_STACKS_NAME = ("platformStack", "appId")
"""Keys of `AppConfig` that nobody gives."""

ENCRYPTED = (SECRETS, CLOUDFLARE_TOKEN)
REMEDY = "take it out, and pulumi config set --secret it in the app's stack"

DisplayName = Annotated[str | None, typer.Option(help="What people read. [default: the app id]")]
Plan = Annotated[str | None, typer.Option(help="One of the platform's plans. [default: the platform's]")]
Visibility = Annotated[Literal["private", "public"] | None, typer.Option(help="The repository's. [default: private]")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Any other key of its stack, the value as YAML; null takes it out."
    ),
]


def changes(
    display_name: str | None, plan: str | None, visibility: str | None, settings: Iterable[str]
) -> dict[str, Any]:
    """What the options change, by key; a value of None takes the key out. Raises `CommandError`."""
    named = {"displayName": display_name, "plan": plan, "visibility": visibility}
    return {key: value for key, value in named.items() if value is not None} | dict(map(_setting, settings))


def require_valid(config: Mapping[str, Any], app_id: str, platform: PlatformConfig) -> None:
    """Raises `CommandError` with all that is wrong in an app's own keys."""
    wrong = [f"  {'.'.join(map(str, path))}: {what}" for path, what in offenders(config, app_id)]
    if not wrong and (plan := config.get("plan")) and plan not in platform.plans:
        wrong = [f"  plan: the platform has no {plan}; its plans are {', '.join(platform.plans)}"]
    if wrong:
        raise CommandError("\n".join([f"app {app_id} can't be so, and nothing was changed:", *wrong]))


def offenders(config: Mapping[str, Any], app_id: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong in an app's own keys: where, and why. Encrypted values are not looked at."""
    for key in config.keys() & set(FROM_THE_STACKS_NAME):
        yield (key,), "is not a key of an app"
    for key in config.keys() & set(ENCRYPTED):
        if not is_encrypted(config[key]):
            yield (key,), f"is there in plain text: {REMEDY}"
    plain = {key: value for key, value in config.items() if key not in (*FROM_THE_STACKS_NAME, *ENCRYPTED)}
    try:
        AppConfig.model_validate({**plain, "platformStack": "", "appId": app_id})
    except ValidationError as error:
        yield from ((detail["loc"], _explanation(detail)) for detail in error.errors())


def _setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise CommandError(f"--set {text}: write KEY=VALUE, such as data=[d1]")
    try:
        return key, lined_yaml.parse(value).value
    except yaml.YAMLError as error:
        raise CommandError(f"--set {key}: the value is no YAML: {error}") from None


def _explanation(detail: Mapping[str, Any]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            return "is not a key of an app"
        case "value_error":
            return str(detail["ctx"]["error"])
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]} (it is {detail['input']!r})"
