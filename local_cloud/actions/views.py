"""Workflows, runs and jobs as the API and the events show them."""

from typing import Any

from local_cloud import git_history
from local_cloud.cloud import Cloud
from local_cloud.github.check_run import head_commit
from local_cloud.github.places import api_url, folder, html_url
from local_cloud.github.repository import shown
from local_cloud.store import Document

HIDDEN = {"key", "matrix", "environment", "environment_url", "deployment"}
"""Of a job."""

RUNNER = {"runner_id": 1, "runner_name": "local-cloud", "runner_group_id": 1, "runner_group_name": "Default"}


def workflow_shown(cloud: Cloud, repository: Document, workflow: Document) -> dict[str, Any]:
    api, html = api_url(cloud, repository), html_url(cloud, repository)
    branch = repository["default_branch"]
    return {
        **{name: value for name, value in workflow.items() if name != "runs"},
        "node_id": f"W_{workflow['id']}",
        "url": f"{api}/actions/workflows/{workflow['id']}",
        "html_url": f"{html}/blob/{branch}/{workflow['path']}",
        "badge_url": f"{html}/workflows/{workflow['name'].replace(' ', '%20')}/badge.svg",
    }


def run_shown(cloud: Cloud, repository: Document, run: Document) -> dict[str, Any]:
    api, html = api_url(cloud, repository), html_url(cloud, repository)
    url = f"{api}/actions/runs/{run['id']}"
    hidden = {"guid", "depth", "ref", "sha", "group", "cancels", "cancel", "problem", "blob"}
    whole, commits = shown(cloud, repository), git_history.commits(folder(cloud, repository), [run["head_sha"]])
    return {
        **{name: value for name, value in run.items() if name not in hidden},
        "node_id": f"WFR_{run['id']}",
        "check_suite_id": run["id"],
        "check_suite_node_id": f"CS_{run['id']}",
        "url": url,
        "html_url": f"{html}/actions/runs/{run['id']}",
        "referenced_workflows": [],
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{api}/check-suites/{run['id']}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{run['run_attempt'] - 1}" if run["run_attempt"] > 1 else None,
        "workflow_url": f"{api}/actions/workflows/{run['workflow_id']}",
        "head_commit": head_commit(commits[0]) if commits else None,
        "repository": whole,
        "head_repository": whole,
    }


def job_shown(cloud: Cloud, repository: Document, run: Document, job: Document) -> dict[str, Any]:
    api, html = api_url(cloud, repository), html_url(cloud, repository)
    begun = job["status"] != "queued" and job["conclusion"] != "skipped"
    return {
        **{name: value for name, value in job.items() if name not in HIDDEN},
        "node_id": f"CR_{job['id']}",
        "run_url": f"{api}/actions/runs/{run['id']}",
        "head_sha": run["head_sha"],
        "head_branch": run["head_branch"],
        "workflow_name": run["name"],
        "url": f"{api}/actions/jobs/{job['id']}",
        "html_url": f"{html}/actions/runs/{run['id']}/job/{job['id']}",
        "check_run_url": f"{api}/check-runs/{job['id']}",
        **(RUNNER if begun else dict.fromkeys(RUNNER)),
    }
