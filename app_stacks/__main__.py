"""One app of one platform stack."""

import pulumi

from app_stacks import config
from app_stacks.app import App, AppArgs
from app_stacks.platform_stack import PlatformStack
from infra.names import APP_ENVIRONMENTS

settings = config.load()
platform = PlatformStack(settings.platform_stack)

app = App(
    settings.app_id,
    AppArgs(
        app_id=settings.app_id,
        display_name=settings.display_name,
        account_id=platform.account_id,
        namespaces={environment: platform.namespace(environment) for environment in APP_ENVIRONMENTS},
        template=platform.template,
        webhook_url=pulumi.Output.concat(platform.webhook_base, "/github"),
        webhook_secret=config.webhook_secret(settings.app_id),
    ),
)

pulumi.export("repository", app.repository)
pulumi.export(
    "urls",
    {
        environment: pulumi.Output.all(platform.origins, script).apply(lambda given: given[0].subdomain_url(given[1]))
        for environment, script in app.scripts.items()
    },
)
pulumi.export(
    "pathUrl",
    pulumi.Output.all(platform.origins, app.scripts["production"]).apply(lambda given: given[0].path_url(given[1])),
)
