"""What a repository's identity tokens name as their subject.

An organisation's template is nothing that its repositories follow by themselves: each has to say that it doesn't want
the default.
"""

from typing import Annotated, Any

from pydantic import AfterValidator

from local_cloud.call import Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.github import actions_settings
from local_cloud.github.actions_settings import DEFAULTS, ClaimKey, check_unique
from local_cloud.github.dialect import Created, unserved
from local_cloud.github.repository import organization_named, repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="actions")

SUBJECT = "/repos/{owner}/{repo}/actions/oidc/customization/sub"
DEFAULT: Document = {"use_default": True}


class Subject(Strict):
    """With `use_default`, keys are ignored; without either, the organisation's template holds."""

    use_default: bool
    include_claim_keys: Annotated[list[ClaimKey], AfterValidator(check_unique)] | None = None
    use_immutable_subject: bool | None = None


@routes.on("GET", SUBJECT)
def get_subject(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    owner = organization_named(call.cloud, repository["owner"])
    prefix = f"repo:{repository['owner']}@{owner['id']}/{repository['name']}@{repository['id']}"
    return {**_kept(call.cloud, repository), "use_immutable_subject": True, "sub_claim_prefix": prefix}


@routes.on("PUT", SUBJECT)
def put_subject(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(Subject)
    if sent.use_immutable_subject is False:
        raise unserved("use_immutable_subject=false: repositories made since June 2026 have ids in their subjects")
    kept: Document = {"use_default": sent.use_default}
    if sent.include_claim_keys is not None and not sent.use_default:
        kept["include_claim_keys"] = sent.include_claim_keys
    call.store.put("oidc_subjects", str(repository["id"]), "", kept)
    return Created(body={})


def template(cloud: Cloud, repository: Document) -> list[str]:
    """The claims that the subject is made of."""
    kept = _kept(cloud, repository)
    if kept["use_default"]:
        return DEFAULTS["oidc_subject"]["include_claim_keys"]
    organization = actions_settings.setting(cloud, repository["owner"], "oidc_subject")
    return kept.get("include_claim_keys") or organization["include_claim_keys"]


def _kept(cloud: Cloud, repository: Document) -> Document:
    return cloud.store.get("oidc_subjects", str(repository["id"]), "") or DEFAULT
