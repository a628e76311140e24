"""GitHub's REST API, as far as this platform uses it: a module for each resource, all of them in `TABLE`."""

from local_cloud.github import (
    actions_settings,
    app,
    check_runs,
    commit_statuses,
    commits,
    deliveries,
    deployment_statuses,
    deployments,
    environments,
    installations,
    organizations,
    rate_limit,
    repositories,
    secrets,
    variables,
    webhooks,
)
from local_cloud.routing import RouteTable

ROOT = "/api/v3"

TABLE = RouteTable(
    actions_settings.routes,
    app.routes,
    check_runs.routes,
    commit_statuses.routes,
    commits.routes,
    deliveries.routes,
    deployment_statuses.routes,
    deployments.routes,
    environments.routes,
    installations.routes,
    organizations.routes,
    rate_limit.routes,
    repositories.routes,
    secrets.routes,
    variables.routes,
    webhooks.routes,
)
