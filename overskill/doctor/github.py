"""GitHub: the token, the App and each of its permissions, the organisation, the template."""

import time
from collections.abc import Iterator, Mapping

import httpx
import jwt

from infra.config import StackConfig
from overskill.doctor.api import Answer, Api
from overskill.doctor.findings import Finding, error, ok, unchecked, warning

OFFICIAL_URL = "https://api.github.com"
NOT_FOUND, UNAUTHORIZED = 404, 401

SCOPES = ("repo", "workflow")
ORGANIZATION_SCOPE = "admin:org"
"""What a classic token needs, and in addition where the stack owns settings of the organisation."""

APP_PERMISSIONS = {
    "actions_variables": "write",
    "administration": "write",
    "contents": "write",
    "environments": "write",
    "metadata": "read",
    "pull_requests": "write",
    "repository_hooks": "write",
    "secrets": "write",
    "workflows": "write",
}
ORGANIZATION_PERMISSION = "organization_administration"
GRADES = ("read", "write", "admin")


def check(
    base_url: str,
    config: StackConfig,
    credentials: Mapping[str, str],
    transport: httpx.BaseTransport | None = None,
) -> Iterator[Finding]:
    api = Api(base_url=base_url, token=credentials.get("GITHUB_TOKEN", ""), transport=transport)
    yield from _token(api, config)
    yield from _app(base_url, config, credentials, transport)


def _token(api: Api, config: StackConfig) -> Iterator[Finding]:
    """What is seen with the token: the organisation and the template."""
    name = config.overskill.github_organization
    organization = api.get(f"/orgs/{name}") if api.token else Answer(status=UNAUTHORIZED)
    match organization.status:
        case status if organization.ok or status == NOT_FOUND:
            yield _scopes(organization.headers, config)
        case 0:
            yield error("GitHub token", organization.message, "mend the network, or github:baseUrl")
        case _:
            why = f"not usable: {organization.message}" if api.token else "GITHUB_TOKEN is not set"
            yield error("GitHub token", why, "export GITHUB_TOKEN, one that may make repositories")
    if organization.ok:
        yield ok("GitHub organisation", name)
        yield _template(api, config)
    elif organization.status == NOT_FOUND:
        remedy = "make it, let the token see it, or mend overskill:githubOrganization"
        yield error("GitHub organisation", f"there is no {name} that the token sees", remedy)
    else:
        yield unchecked("GitHub organisation and template", "need a token")


def _scopes(headers: Mapping[str, str], config: StackConfig) -> Finding:
    """Only a classic token tells its scopes."""
    stated = headers.get("X-OAuth-Scopes")
    if not stated:
        return ok("GitHub token", "valid; GitHub does not tell what a token of this kind may do")
    wanted = [*SCOPES, *([ORGANIZATION_SCOPE] if config.overskill.organization_settings.owned else [])]
    held = {scope.strip() for scope in stated.split(",")}
    if missing := [scope for scope in wanted if scope not in held]:
        return error(
            "GitHub token", f"lacks scope {', '.join(missing)}", "add it at https://github.com/settings/tokens"
        )
    return ok("GitHub token", f"valid, with scope {', '.join(wanted)}")


def _template(api: Api, config: StackConfig) -> Finding:
    check, name = f"template {config.template_repository}", config.template_repository
    own, adopt = config.overskill.template == "own", "template" in config.overskill.adopt
    found = api.get(f"/repos/{name}")
    if found.ok and not found.body["is_template"] and not own:
        return error(check, "it is no template", "mark it as a template in its settings, or mend templateRepository")
    if found.ok:
        return ok(check, "there, a template" if found.body["is_template"] else "there; to be made a template")
    if found.status == NOT_FOUND and own and not adopt:
        return ok(check, "to be made")
    if found.status == NOT_FOUND:
        remedy = "bring up the stack that owns it, or mend overskill:templateRepository"
        return error(check, "there is none that the token sees", remedy)
    return warning(check, f"cannot be told: {found.message}", "run this again")


def _app(
    base_url: str,
    config: StackConfig,
    credentials: Mapping[str, str],
    transport: httpx.BaseTransport | None,
) -> Iterator[Finding]:
    platform = config.overskill
    app_id = str(platform.github_app.id) if platform.github_app else credentials.get("GITHUB_APP_ID")
    key = credentials.get("GITHUB_PRIVATE_KEY")
    if not app_id or not key:
        given = {"overskill:githubApp": app_id, "GITHUB_PRIVATE_KEY": key}
        lacking = " and ".join(name for name, value in given.items() if not value)
        yield warning("GitHub App", f"not looked at, without {lacking}", f"set {lacking}, and run this again")
        return
    try:
        token = app_token(app_id, key)
    except (ValueError, jwt.PyJWTError) as wrong:
        yield error(
            "GitHub App", f"GITHUB_PRIVATE_KEY is no private key: {wrong}", "export the App's PEM file's content"
        )
        return
    app = Api(base_url=base_url, token=token, transport=transport)
    found = app.get(f"/orgs/{platform.github_organization}/installation")
    if found.status == NOT_FOUND:
        yield error(
            "GitHub App",
            f"it is not installed on {platform.github_organization}",
            f"install it: https://github.com/organizations/{platform.github_organization}/settings/installations",
        )
    elif not found.ok:
        yield error(
            "GitHub App", f"not usable: {found.message}", "export the private key of the App of overskill:githubApp"
        )
    elif found.body["suspended_at"]:
        yield error("GitHub App", "its installation is suspended", "unsuspend it in the organisation's settings")
    else:
        yield ok("GitHub App", f"installed on {platform.github_organization}")
        yield from _app_permissions(found.body["permissions"], config)


def _app_permissions(held: Mapping[str, str], config: StackConfig) -> Iterator[Finding]:
    wanted = dict(APP_PERMISSIONS)
    if config.overskill.organization_settings.owned:
        wanted[ORGANIZATION_PERMISSION] = "write"
    lacking = [
        (name, grade)
        for name, grade in wanted.items()
        if name not in held or GRADES.index(held[name]) < GRADES.index(grade)
    ]
    for name, grade in lacking:
        yield error(
            f"App permission {name}",
            f"is {held.get(name, 'none')}, {grade} is needed",
            "raise it in the App's settings, and accept it in the organisation's",
        )
    if not lacking:
        yield ok("App permissions", ", ".join(f"{name} {grade}" for name, grade in wanted.items()))


def app_token(app_id: str, private_key: str) -> str:
    """What an App shows instead of a token, good for five minutes. Raises `ValueError` or `PyJWTError`."""
    now = int(time.time())
    return jwt.encode({"iat": now - 60, "exp": now + 300, "iss": app_id}, private_key, algorithm="RS256")
