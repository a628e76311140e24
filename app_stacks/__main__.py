"""One app of one platform stack."""

from functools import partial

import pulumi

from app_stacks import config
from app_stacks.app import App, AppArgs
from app_stacks.platform_stack import namespace_of, platform_outputs

settings = config.load()
platform = platform_outputs(settings.platform_stack)

app = App(
    settings.app_id,
    AppArgs(
        app_id=settings.app_id,
        display_name=settings.display_name,
        account_id=platform.account_id,
        namespaces={e: platform.apply(partial(namespace_of, app_environment=e)) for e in settings.app_environments},
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
production = pulumi.Output.all(platform, app.scripts["production"])
pulumi.export("pathUrl", production.apply(lambda given: given[0].origins.path_url(given[1])))
pulumi.export("url", production.apply(lambda given: given[0].origins.url(given[1], given[0].urls)))
