"""Whether a platform has an app, by what its namespaces hold: no list of stacks is needed for that."""

import difflib
from collections.abc import Collection, Sequence

from app_stacks.cloudflare_api import CloudflareApi, ScriptAddress
from infra.names import AppEnvironment, Script, check_app_id, parse_script
from infra.platform_config import PlatformConfig
from overskill.errors import CommandError

MOST = 20
"""Names that a message lists; of more, only those that are close to what was typed."""


def require_app(
    api: CloudflareApi, platform: PlatformConfig, app_id: str, environments: Sequence[AppEnvironment]
) -> None:
    """Raises `CommandError` for an app without a script in any of the app environments, with those that have one.

    Raises `InvalidAppId` for what can be no app's.
    """
    check_app_id(app_id)
    if absent := [name for name in environments if name not in platform.namespaces]:
        told = ", ".join(platform.namespaces)
        raise CommandError(f"the platform has no {' and no '.join(absent)}: it has {told}")
    for environment in environments:
        script = Script(app_id=app_id, environment=environment).name
        address = ScriptAddress(
            account_id=platform.account_id, namespace=platform.namespaces[environment], script=script
        )
        if api.settings(address) is not None:
            return
    scripts = {
        name
        for environment in environments
        for name in api.script_names(platform.account_id, platform.namespaces[environment])
    }
    apps = {parsed.app_id for parsed in map(parse_script, scripts) if parsed}
    raise CommandError(f"there is no app {app_id!r} in {', '.join(environments)}; {told_of(apps, app_id)}")


def told_of(apps: Collection[str], app_id: str) -> str:
    """`there are: shop, store`; of many, those that `app_id` may have meant."""
    if len(apps) <= MOST:
        return f"there are: {', '.join(sorted(apps)) or 'none'}"
    close = difflib.get_close_matches(app_id, sorted(apps))
    return f"of the {len(apps)} that there are, {', '.join(close) or 'none'} is close to it"
