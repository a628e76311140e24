"""An app's repository on GitHub, with what its pipeline needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_github as github

from app_stacks.app_options import Permission
from app_stacks.repository_settings import DEFAULT_BRANCH, SETTINGS
from infra.names import AppEnvironment

WEBHOOK_SECRET = "OVERSKILL_WEBHOOK_SECRET"  # noqa: S105 - the secret's name


@dataclass(frozen=True, kw_only=True)
class AppRepositoryArgs:
    """`template` is `owner/name`; `webhook_url` takes the repository's events, signed with `webhook_secret`.

    `oidc_subject`: its workflows' identity tokens name the organisation's subject, and not GitHub's own. `variables`
    and `secrets` are those of its workflows. `collaborators` are users by name; `team` is a slug, and may push.
    """

    name: str
    description: str
    visibility: Literal["private", "public"]
    template: str
    environments: Sequence[AppEnvironment]
    oidc_subject: bool
    variables: Mapping[str, str]
    secrets: Mapping[str, pulumi.Input[str]]
    collaborators: Mapping[str, Permission]
    team: str | None
    webhook_url: str
    webhook_secret: pulumi.Input[str]


class AppRepository(pulumi.ComponentResource):
    """Outputs: `full_name`, such as `overskill-apps/ultrathink`, and `number`, which no other repository ever has."""

    full_name: pulumi.Output[str]
    number: pulumi.Output[int]

    def __init__(self, name: str, args: AppRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:apps:AppRepository", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        repository = self._repository(args)
        self._rules(repository.name)
        self._webhook(args, repository.name)
        self._pipeline(args, repository.name)
        self._access(args, repository.name)
        self.full_name, self.number = repository.full_name, repository.repo_id
        self.register_outputs({"full_name": self.full_name})

    def _repository(self, args: AppRepositoryArgs) -> github.Repository:
        owner, _, template = args.template.partition("/")
        return github.Repository(
            self._name,
            name=args.name,
            description=args.description,
            visibility=args.visibility,
            template=github.RepositoryTemplateArgs(owner=owner, repository=template),
            **SETTINGS,
            # The code is its owner's: who destroys the app decides on it apart from that.
            archive_on_destroy=True,
            # A repository has started from what it started from: another template would make it anew. What one that is
            # imported has of old is left to it.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["template", "hasDownloads"]),
        )

    def _rules(self, repository: pulumi.Input[str]) -> None:
        """The default branch is kept, and so is its history. Anybody who may push may push to it."""
        github.RepositoryRuleset(
            f"{self._name}-default-branch",
            repository=repository,
            name=DEFAULT_BRANCH,
            target="branch",
            enforcement="active",
            conditions=github.RepositoryRulesetConditionsArgs(
                ref_name=github.RepositoryRulesetConditionsRefNameArgs(includes=["~DEFAULT_BRANCH"], excludes=[])
            ),
            rules=github.RepositoryRulesetRulesArgs(deletion=True, non_fast_forward=True),
            opts=self._child,
        )

    def _webhook(self, args: AppRepositoryArgs, repository: pulumi.Input[str]) -> None:
        github.ActionsSecret(
            f"{self._name}-webhook-secret",
            repository=repository,
            secret_name=WEBHOOK_SECRET,
            value=args.webhook_secret,
            opts=self._child,
        )
        github.RepositoryWebhook(
            f"{self._name}-webhook",
            repository=repository,
            events=["deployment_status", "pull_request", "push", "workflow_run"],
            configuration=github.RepositoryWebhookConfigurationArgs(
                url=args.webhook_url, content_type="json", insecure_ssl=False, secret=args.webhook_secret
            ),
            opts=self._child,
        )

    def _pipeline(self, args: AppRepositoryArgs, repository: pulumi.Input[str]) -> None:
        for environment in args.environments:
            github.RepositoryEnvironment(
                f"{self._name}-environment-{environment}",
                repository=repository,
                environment=environment,
                opts=self._child,
            )
        for variable, text in args.variables.items():
            github.ActionsVariable(
                f"{self._name}-variable-{variable}",
                repository=repository,
                variable_name=variable,
                value=text,
                opts=self._child,
            )
        for secret, value in args.secrets.items():
            github.ActionsSecret(
                f"{self._name}-secret-{secret}",
                repository=repository,
                secret_name=secret,
                value=value,
                opts=self._child,
            )
        if args.oidc_subject:
            github.ActionsRepositoryOidcSubjectClaimCustomizationTemplate(
                f"{self._name}-oidc-subject", repository=repository, use_default=False, opts=self._child
            )

    def _access(self, args: AppRepositoryArgs, repository: pulumi.Input[str]) -> None:
        for user, permission in args.collaborators.items():
            github.RepositoryCollaborator(
                f"{self._name}-collaborator-{user}",
                repository=repository,
                username=user,
                permission=permission,
                opts=self._child,
            )
        if args.team:
            github.TeamRepository(
                f"{self._name}-team", repository=repository, team_id=args.team, permission="push", opts=self._child
            )
