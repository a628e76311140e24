"""One app of one platform stack."""

from typing import Any

import pulumi

from app_stacks import config
from app_stacks.app import App, AppArgs
from app_stacks.platform_stack import platform_outputs
from infra.names import Script
from infra.outputs import PlatformOutputs

settings = config.load()
secrets = config.secrets(settings)


def declare(platform: PlatformOutputs) -> pulumi.Output[dict[str, Any]]:
    """The app, and what the stack tells of it. Which resources there are depends on the platform."""
    app = App(settings.app_id, AppArgs.of(settings, platform, secrets))
    scripts = {e: Script(app_id=settings.app_id, environment=e).name for e in settings.app_environments}
    origins, production = platform.origins, scripts["production"]
    shown = {
        "repository": app.repository,
        "urls": {environment: origins.subdomain_url(script) for environment, script in scripts.items()},
        "pathUrl": origins.path_url(production),
        "url": origins.url(production, platform.urls),
        "hostnames": app.hostnames,
        "declaration": app.declaration,
    }
    return pulumi.Output.from_input(shown)


outputs = platform_outputs(settings.platform_stack).apply(declare)
for name in ("repository", "urls", "pathUrl", "url", "hostnames", "declaration"):
    pulumi.export(name, outputs[name])
