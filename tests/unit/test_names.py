"""infra/names.py over the naming contract."""

import json

import pytest

from infra import names

CONTRACT = json.loads(names.CONTRACT.read_text())


def ids(case: dict) -> str:
    return str(next(iter(case.values()))) or "(empty)"


@pytest.mark.parametrize("case", CONTRACT["namespaces"], ids=lambda case: case["name"])
def test_namespace(case):
    assert names.namespace(case["prefix"], case["platform"], case["app"]) == case["name"]


@pytest.mark.parametrize(
    ("build", "case"),
    [
        (build, case)
        for table, build in (
            ("dispatchWorkers", names.dispatch_worker),
            ("outboundWorkers", names.outbound_worker),
            ("appStores", names.app_store),
            ("usageDatasets", names.usage_dataset),
        )
        for case in CONTRACT[table]
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else value.__name__,
)
def test_names_of_a_platform(build, case):
    assert build(case["prefix"], case["platform"]) == case["name"]


@pytest.mark.parametrize("case", CONTRACT["appData"], ids=lambda case: case["appId"])
def test_names_of_an_apps_data_fit_a_bucket(case):
    name = names.app_data(case["namespace"], case["appId"])
    assert name == case["name"]
    assert len(name) <= 63


@pytest.mark.parametrize("case", CONTRACT["scripts"], ids=lambda case: case["script"])
def test_script_is_built_and_parsed_back(case):
    script = names.Script(
        app_id=names.check_app_id(case["appId"]), environment=case["environment"], pull_request=case["pullRequest"]
    )
    assert script.name == case["script"]
    assert len(script.name) <= 63
    assert names.parse_script(script.name) == script


@pytest.mark.parametrize("case", CONTRACT["smokeApps"], ids=lambda case: case["name"])
def test_the_app_that_a_platform_is_tried_with_has_a_good_id(case):
    assert names.check_app_id(names.smoke_app(case["prefix"], case["platform"])) == case["name"]


@pytest.mark.parametrize("case", CONTRACT["pullRequestPlatforms"], ids=lambda case: case["stack"])
def test_names_of_a_pull_requests_platform(case):
    platform = names.PullRequestPlatform(case["number"])
    assert platform.stack == case["stack"]
    assert platform.prefix(case["base"]) == case["prefix"]
    assert platform.domain(case["domain"]) == case["host"]
    assert names.PullRequestPlatform.of_stack(platform.stack) == platform


@pytest.mark.parametrize("stack", ["local", "pr-", "pr-0", "pr-01", "pr-1000000", "pr-7.shop", "xpr-7"])
def test_not_the_stack_of_a_pull_request(stack):
    assert names.PullRequestPlatform.of_stack(stack) is None


@pytest.mark.parametrize("number", [0, -1, 1_000_000])
def test_not_the_number_of_a_pull_request(number):
    with pytest.raises(ValueError, match=str(number)):
        names.PullRequestPlatform(number)


@pytest.mark.parametrize("name", [*CONTRACT["notScripts"], *CONTRACT["reserved"]])
def test_not_a_script(name):
    assert names.parse_script(name) is None


@pytest.mark.parametrize("case", CONTRACT["refusedAppIds"], ids=ids)
def test_refused_app_id_names_each_broken_rule_in_one_line(case):
    broken = names.broken_app_id_rules(case["appId"])
    assert list(broken) == case["rules"]
    with pytest.raises(names.InvalidAppId) as refused:
        names.check_app_id(case["appId"])
    assert "\n" not in str(refused.value)
    assert all(explanation in str(refused.value) for explanation in broken.values())


@pytest.mark.parametrize("case", CONTRACT["urls"], ids=lambda case: case["script"])
def test_urls(case):
    origins = names.Origins(
        domain=case["domain"],
        worker=case["worker"],
        workers_dev=case["workersDev"],
        scheme=case["scheme"],
        port=case["port"],
    )
    assert origins.subdomain_url(case["script"]) == case["subdomain"]
    assert origins.path_url(case["script"]) == case["path"]


def test_reserved_names_are_in_order_and_once():
    assert CONTRACT["reserved"] == sorted(set(CONTRACT["reserved"]))
