"""An app's repository on GitHub, with what its pipeline needs."""

from dataclasses import dataclass

import pulumi
import pulumi_github as github


@dataclass(frozen=True, kw_only=True)
class AppRepositoryArgs:
    """`template` is `owner/name`; `webhook_url` takes the repository's events, signed with `webhook_secret`."""

    name: str
    description: str
    template: pulumi.Input[str]
    webhook_url: pulumi.Input[str]
    webhook_secret: pulumi.Input[str]


class AppRepository(pulumi.ComponentResource):
    """Outputs: `full_name`, such as `overskill-apps/ultrathink`."""

    full_name: pulumi.Output[str]

    def __init__(self, name: str, args: AppRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:apps:AppRepository", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        template = pulumi.Output.from_input(args.template).apply(lambda full_name: full_name.split("/", 1))
        repository = github.Repository(
            name,
            name=args.name,
            description=args.description,
            visibility="private",
            template=github.RepositoryTemplateArgs(owner=template[0], repository=template[1]),
            topics=["overskill"],
            has_issues=False,
            has_projects=False,
            has_wiki=False,
            delete_branch_on_merge=True,
            opts=child,
        )
        github.ActionsSecret(
            f"{name}-webhook-secret",
            repository=repository.name,
            secret_name="OVERSKILL_WEBHOOK_SECRET",  # noqa: S106 - the secret's name
            value=args.webhook_secret,
            opts=child,
        )
        github.RepositoryWebhook(
            f"{name}-webhook",
            repository=repository.name,
            events=["deployment_status", "pull_request", "push", "workflow_run"],
            configuration=github.RepositoryWebhookConfigurationArgs(
                url=args.webhook_url, content_type="json", insecure_ssl=False, secret=args.webhook_secret
            ),
            opts=child,
        )
        self.full_name = repository.full_name
        self.register_outputs({"full_name": self.full_name})
