"""Identity tokens of jobs: issued by the local cloud as GitHub issues them, proved by its published keys."""

import json
import re

import jwt
import pytest
from workflow_runs import Actions

CI = """
on: push
permissions: {contents: read}
jobs:
  open:
    runs-on: ubuntu-latest
    steps: [{run: 'echo "none: $ACTIONS_ID_TOKEN_REQUEST_TOKEN"'}]
  deploy:
    runs-on: ubuntu-latest
    environment: {name: "${{ vars.PLACE }}"}
    permissions: {id-token: write}
    steps:
      - run: |
          curl -sS -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \\
            "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://broker.example"
          echo; echo "url $ACTIONS_ID_TOKEN_REQUEST_URL bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN"
          printf %s "$ACTIONS_ID_TOKEN_REQUEST_TOKEN" | rev
"""


@pytest.fixture
def actions(gh, local, repository, clone):
    gh.post(f"{repository}/actions/variables", status=201, json={"name": "PLACE", "value": "pre:view"})
    return Actions(gh, repository, clone)


@pytest.fixture
def deployed(gh, actions):
    """What a run's job has been given: the token, and the bearer that it has asked with."""

    def run():
        sha = actions.push(ci=CI)
        ended = actions.ended()
        log = actions.log(actions.jobs(ended)["deploy"])
        assert ended["conclusion"] == "success", log
        token = json.loads(re.search(r"^{.*}$", log, re.MULTILINE)[0])["value"]
        return ended, sha, token, log

    return run


def verified(gh, token):
    """The claims, by what the issuer publishes alone."""
    issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
    discovery = gh.client.get(f"{issuer}/.well-known/openid-configuration").json()
    assert discovery["issuer"] == issuer == f"{str(gh.client.base_url).rstrip('/')}/_actions/oidc"
    keys = jwt.PyJWKSet.from_dict(gh.client.get(discovery["jwks_uri"]).json())
    claims = jwt.decode(
        token,
        keys[jwt.get_unverified_header(token)["kid"]],
        algorithms=discovery["id_token_signing_alg_values_supported"],
        audience="https://broker.example",
        issuer=issuer,
    )
    assert set(claims) - set(discovery["claims_supported"]) <= {
        *("job_workflow_ref", "job_workflow_sha", "repository_visibility", "runner_environment"),
    }
    return claims


def test_a_job_that_may_is_told_who_it_is(gh, name, actions, deployed):
    run, sha, token, log = deployed()
    repository = gh.get(actions.repository)
    owner = repository["owner"]
    claims = verified(gh, token)
    full_name, file = repository["full_name"], ".github/workflows/ci.yml@refs/heads/main"
    assert claims.pop("sub") == f"repo:overskill@{owner['id']}/{name}@{repository['id']}:environment:pre%3Aview"
    assert claims["exp"] - claims["iat"] == 300
    assert {claim: value for claim, value in claims.items() if claim not in {"exp", "iat", "nbf", "jti", "iss"}} == {
        "aud": "https://broker.example",
        "actor": "local-cloud",
        "actor_id": "1000000000",
        "base_ref": "",
        "environment": "pre:view",
        "event_name": "push",
        "head_ref": "",
        "job_workflow_ref": f"{full_name}/{file}",
        "job_workflow_sha": sha,
        "ref": "refs/heads/main",
        "ref_protected": "false",
        "ref_type": "branch",
        "repository": full_name,
        "repository_id": str(repository["id"]),
        "repository_owner": "overskill",
        "repository_owner_id": str(owner["id"]),
        "repository_visibility": "private",
        "run_attempt": "1",
        "run_id": str(run["id"]),
        "run_number": "1",
        "runner_environment": "github-hosted",
        "sha": sha,
        "workflow": ".github/workflows/ci.yml",
        "workflow_ref": f"{full_name}/{file}",
        "workflow_sha": sha,
    }
    assert "none: " in actions.log(actions.jobs(run)["open"]).splitlines()[-1]
    url, bearer = re.search(r"^url (\S+) bearer \*\*\*$", log, re.MULTILINE)[1], log.splitlines()[-1][::-1]
    for authorization in (f"bearer {bearer}", "bearer made-up", "basic x"):
        late = gh.client.get(url, headers={"Authorization": authorization})
        assert late.status_code == 401, late.text


def test_the_subject_is_the_organisations_only_where_a_repository_says_so(gh, actions, deployed):
    organization, own = (
        "/orgs/{org}/actions/oidc/customization/sub",
        f"{actions.repository}/actions/oidc/customization/sub",
    )
    before = gh.get(organization)
    gh.put(organization, status=201, json={"include_claim_keys": ["repository_id", "context"]})
    try:
        prefix = gh.get(own)["sub_claim_prefix"]
        assert verified(gh, deployed()[2])["sub"] == f"{prefix}:environment:pre%3Aview"
        gh.put(own, status=201, json={"use_default": False})
        number = gh.get(actions.repository)["id"]
        assert verified(gh, deployed()[2])["sub"] == f"repository_id:{number}:environment:pre%3Aview"
        gh.put(own, status=201, json={"use_default": False, "include_claim_keys": ["event_name", "job_workflow_ref"]})
        subject = verified(gh, deployed()[2])["sub"]
        assert subject.startswith("event_name:push:job_workflow_ref:overskill/")
        gh.call("PUT", own, status=501, json={"use_default": True, "use_immutable_subject": False})
    finally:
        gh.put(organization, status=201, json=before)
