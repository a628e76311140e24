"""`overskill doctor` against the local cloud: a token short of one permission is told exactly that one."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from contract_service import LocalCloud

from infra.config import StackConfig, parse
from overskill.doctor import cloudflare, github
from overskill.doctor.api import Api
from overskill.doctor.findings import Finding, exit_code

ROOT = Path(__file__).parents[2]
NEEDED = [
    *(
        permission.name
        for permission in (*cloudflare.ACCOUNT_PERMISSIONS, *cloudflare.ZONE_PERMISSIONS, cloudflare.SSL)
    ),
    "Zone Read",
]


@pytest.fixture(scope="module")
def cloud(running: LocalCloud | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud of its own, with what prod.yaml names; its token may do everything."""
    if running is None:
        pytest.skip("only the local cloud makes tokens that lack something")
    config = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    names = {"account": config["overskill:accountId"], "zones": ("overskill.com",)}
    with LocalCloud.run(tmp_path_factory.mktemp("doctor"), **names) as made:
        made.client.headers["Authorization"] = f"Bearer {made.cloud.credentials.cloudflare_token}"
        yield made


@pytest.fixture(scope="module")
def config(cloud: LocalCloud) -> StackConfig:
    """`prod`, on this local cloud, with everything that asks for a permission."""
    values = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"]
    del values["overskill:githubApp"]
    return parse(
        values
        | {
            "cloudflare:baseUrl": f"{cloud.client.base_url}/client/v4",
            "github:baseUrl": f"{cloud.client.base_url}/api/v3/",
            "overskill:certificate": {"kind": "advanced"},
        }
    )


@pytest.fixture
def grant(cloud: LocalCloud) -> Callable[..., str]:
    """Makes a token with these permissions on the account and its zones; its value."""
    groups = cloud.client.get("/client/v4/user/tokens/permission_groups").raise_for_status().json()["result"]
    ids = {group["name"]: (group["id"], group["scopes"][0]) for group in groups}

    def make(*names: str) -> str:
        resources = {"com.cloudflare.api.account": cloud.settings.account, "com.cloudflare.api.account.zone": "*"}
        policies = [
            {
                "effect": "allow",
                "resources": {f"{scope}.{resources[scope]}": "*"},
                "permission_groups": [{"id": id_}],
            }
            for id_, scope in (ids[name] for name in names)
        ]
        made = cloud.client.post("/client/v4/user/tokens", json={"name": "doctor", "policies": policies})
        return made.raise_for_status().json()["result"]["value"]

    return make


def examined(config: StackConfig, token: str) -> list[Finding]:
    return list(cloudflare.check(Api(base_url=str(config.cloudflare.base_url), token=token), config))


def errors(findings: list[Finding]) -> list[str]:
    return [finding.check for finding in findings if finding.level == "error"]


def test_a_token_with_what_is_needed_is_enough(config, grant):
    findings = examined(config, grant(*NEEDED))
    assert [finding for finding in findings if finding.level != "ok"] == []
    assert exit_code(findings) == 0


@pytest.mark.parametrize("lacking", NEEDED)
def test_exactly_the_permission_that_a_token_lacks_is_named(config, grant, lacking):
    findings = examined(config, grant(*(name for name in NEEDED if name != lacking)))
    assert errors(findings) == [f"permission {lacking}"]
    (finding,) = [finding for finding in findings if finding.level == "error"]
    assert lacking in finding.remedy
    assert exit_code(findings) == 1


@pytest.mark.parametrize("lacking", [name for name in NEEDED if name.endswith("Write")])
def test_to_read_is_not_to_write(config, grant, lacking):
    token = grant(*(name for name in NEEDED if name != lacking), lacking.replace("Write", "Read"))
    assert errors(examined(config, token)) == [f"permission {lacking}"]


def test_all_that_is_missing_is_told_at_once(config, grant):
    findings = examined(config, grant("Zone Read"))
    assert errors(findings) == [f"permission {name}" for name in NEEDED if name != "Zone Read"]


def test_a_token_that_is_none(config):
    findings = examined(config, "local-cloudflare-wrong")
    assert errors(findings) == ["Cloudflare token"]
    assert [finding.level for finding in findings] == ["error", "unchecked"]


def test_nothing_is_changed(config, cloud, grant):
    token = grant(*NEEDED)

    def stored() -> list[tuple]:
        with sqlite3.connect(f"file:{cloud.cloud.state.database}?mode=ro", uri=True) as connection:
            return connection.execute("SELECT * FROM documents").fetchall()

    before = stored()
    examined(config, token)
    list(github.check(str(config.github.base_url), config, credentials(cloud)))
    assert stored() == before


def credentials(cloud: LocalCloud) -> dict[str, str]:
    made = cloud.cloud.credentials
    return {
        "GITHUB_TOKEN": made.github_token,
        "GITHUB_APP_ID": made.github_app_id,
        "GITHUB_PRIVATE_KEY": made.github_private_key,
    }


def test_github_is_whole(config, cloud):
    findings = list(github.check(str(config.github.base_url), config, credentials(cloud)))
    assert [finding for finding in findings if finding.level != "ok"] == []
    assert f"template {config.template_repository}" in [finding.check for finding in findings]


@pytest.fixture
def app_may(cloud: LocalCloud) -> Iterator[Callable[[dict[str, str]], None]]:
    """Sets what the GitHub App may do, until the test ends."""
    key = {"Authorization": f"Bearer {github.app_token(*app_credentials(cloud))}"}
    before = cloud.client.get("/api/v3/app", headers=key).raise_for_status().json()["permissions"]

    def put(permissions: dict[str, str]) -> None:
        cloud.client.put("/_local/github-app", json={"permissions": permissions}).raise_for_status()

    yield lambda changes: put({name: grade for name, grade in {**before, **changes}.items() if grade})
    put(before)


def app_credentials(cloud: LocalCloud) -> tuple[str, str]:
    return cloud.cloud.credentials.github_app_id, cloud.cloud.credentials.github_private_key


@pytest.mark.parametrize("lacking", [*github.APP_PERMISSIONS, github.ORGANIZATION_PERMISSION])
def test_exactly_the_permission_that_the_app_lacks_is_named(config, cloud, app_may, lacking):
    app_may({lacking: "" if lacking == "metadata" else "read"})
    findings = list(github.check(str(config.github.base_url), config, credentials(cloud)))
    assert errors(findings) == [f"App permission {lacking}"]


def test_an_app_that_is_not_installed(config, cloud):
    platform = config.overskill.model_copy(update={"github_organization": "nobody"})
    elsewhere = config.model_copy(update={"overskill": platform})
    findings = list(github.check(str(config.github.base_url), elsewhere, credentials(cloud)))
    assert errors(findings) == ["GitHub organisation", "GitHub App"]


def test_a_wrong_key_of_the_app(config, cloud):
    wrong = credentials(cloud) | {"GITHUB_APP_ID": "7"}
    assert errors(list(github.check(str(config.github.base_url), config, wrong))) == ["GitHub App"]
    no_key = credentials(cloud) | {"GITHUB_PRIVATE_KEY": "no key"}
    assert errors(list(github.check(str(config.github.base_url), config, no_key))) == ["GitHub App"]


def test_a_cloud_that_does_not_answer(config):
    findings = list(cloudflare.check(Api(base_url="http://127.0.0.1:1/client/v4", token="x"), config))
    assert errors(findings) == ["Cloudflare token"]
    assert "no answer from http://127.0.0.1:1" in findings[0].detail
