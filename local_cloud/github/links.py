"""The addresses that accounts and repositories show, in GitHub's form; most lead to what is not served here."""

from typing import Any

from local_cloud.cloud import Cloud

_ACCOUNT = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}

_ORGANIZATION = {
    "repos_url": "/repos",
    "events_url": "/events",
    "hooks_url": "/hooks",
    "issues_url": "/issues",
    "members_url": "/members{/member}",
    "public_members_url": "/public_members{/member}",
}

_REPOSITORY = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def account_shown(cloud: Cloud, login: str, number: int, kind: str) -> dict[str, Any]:
    """Whoever owns or does something: `kind` is `User` or `Organization`."""
    root = cloud.settings.api_url
    url = f"{root}/api/v3/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"{kind[0]}_{number}",
        "type": kind,
        "site_admin": False,
        "avatar_url": f"{root}/avatars/{login}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{root}/{login}",
        **_below(url, _ACCOUNT),
    }


def organization_links(cloud: Cloud, login: str) -> dict[str, str]:
    root = cloud.settings.api_url
    url = f"{root}/api/v3/orgs/{login}"
    return {
        "url": url,
        "html_url": f"{root}/{login}",
        "avatar_url": f"{root}/avatars/{login}",
        **_below(url, _ORGANIZATION),
    }


def repository_links(cloud: Cloud, full_name: str) -> dict[str, str]:
    root = cloud.settings.api_url
    url = f"{root}/api/v3/repos/{full_name}"
    return {
        "url": url,
        "html_url": f"{root}/{full_name}",
        "clone_url": f"{root}/{full_name}.git",
        "git_url": f"git://127.0.0.1/{full_name}.git",
        "ssh_url": f"git@127.0.0.1:{full_name}.git",
        "svn_url": f"{root}/{full_name}",
        **_below(url, _REPOSITORY),
    }


def _below(url: str, paths: dict[str, str]) -> dict[str, str]:
    return {name: url + path for name, path in paths.items()}
