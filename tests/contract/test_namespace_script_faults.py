"""The provider while Cloudflare fails: nothing is lost, nothing is done twice, and the end state is right."""

import logging

import pytest
from contract_service import LocalCloud, Service
from script_life import DEPLOYED, HASTE, bound, living, plain, secret

from app_stacks.cloudflare_api import CloudflareApi
from app_stacks.cloudflare_error import CloudflareError
from app_stacks.namespace_script import BOOTSTRAP
from app_stacks.patience import Patience
from local_cloud.cloudflare import ROOT

FAULTS = {
    **{
        f"{status} {when}": {"kind": "status", "status": status, "when": when}
        for status in (429, 500, 502, 503, 504)
        for when in ("before", "after")
        if (status, when) != (429, "after")
    },
    "reset before": {"kind": "reset", "when": "before"},
    "reset after": {"kind": "reset", "when": "after"},
    "slower than we wait": {"kind": "slow", "seconds": 4},
}
METHODS = ("GET", "PUT", "PATCH", "DELETE")


@pytest.fixture
def life(local, life, cleanup):
    """A provider that waits shortly for an answer, in a local cloud whose faults end with the test."""
    headers = {"Authorization": f"Bearer {life.cf.token}"}
    cleanup(lambda: local.client.put("/_local/profile", headers=headers, json={}))
    address = str(life.provider._api._http.base_url)
    with CloudflareApi(life.cf.token, address, patience=life.provider.patience, timeout=2) as impatient:
        life.provider._api = impatient
        yield life


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("method", METHODS)
def test_a_whole_life_while_each_call_fails_once(life, method, fault):
    props = life.props | {"bindings": bound(plain("NAME", "n"), secret("KEY", "s"))}
    life.faults(method, fault)
    created = life.provider.create(props)
    assert life.provider.read(created.id, props).outs == props
    assert BOOTSTRAP.read_text() in life.code()
    wanted = props | {"tags": ["app-abc123", "plan-pro"], "bindings": bound(plain("NAME", "m"), secret("KEY", "t"))}
    life.provider.update(created.id, props, wanted)
    assert life.provider.read(created.id, wanted).outs == wanted
    life.provider.delete(created.id, wanted)
    life.faults(method)
    assert life.provider.read(created.id, wanted).id == ""
    assert life.slept


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lives_while_one_call_in_ten_fails_somehow(local, life, seed):
    headers = {"Authorization": f"Bearer {life.cf.token}"}
    hostile = {"name": "hostile", "seed": seed, "latencies": False, "enforce_limits": False}
    local.client.put("/_local/profile", headers=headers, json=hostile).raise_for_status()
    lives = [life.props | {"script": f"abc{number}"} for number in range(10)]
    for props in lives:
        wanted = props | {"bindings": bound(plain("NAME", "m"), secret("KEY", "t"))}
        life.provider.create(props)
        life.provider.update("id", props, wanted)
        assert life.provider.read("id", wanted).outs == wanted
    for props in lives[::2]:
        life.provider.delete("id", props)
    local.client.put("/_local/profile", headers=headers, json={}).raise_for_status()
    assert life.slept
    scripts = life.cf.get(life.path.rpartition("/")[0])["result"]
    assert [script["id"] for script in scripts] == [props["script"] for props in lives[1::2]]


def test_an_app_deployed_after_an_upload_without_an_answer_is_not_overwritten(life):
    life.faults("PUT", {"kind": "reset", "when": "after"})
    life.meanwhile = lambda: life.deploy(plain("DEPLOYED", "1"))
    life.provider.create(life.props)
    assert life.slept
    assert DEPLOYED in life.code()
    assert list(life.bindings()) == ["DEPLOYED", "OVERSKILL_APP_NAME"]
    assert life.provider.read("id", life.props).outs == life.props


def test_what_is_deployed_after_a_change_without_an_answer_keeps_its_bindings(life):
    life.provider.create(life.props)
    wanted = life.props | {"bindings": bound(plain("OVERSKILL_APP_NAME", "A B C"))}
    life.faults("PATCH", {"kind": "reset", "when": "after"})
    life.meanwhile = lambda: life.deploy(plain("DEPLOYED", "1"))
    life.provider.update("id", life.props, wanted)
    assert life.slept
    assert list(life.bindings()) == ["DEPLOYED", "OVERSKILL_APP_NAME"]
    assert life.provider.read("id", wanted).outs == wanted


def test_a_storm_of_429_is_waited_out(life):
    life.faults("PUT", {"kind": "status", "status": 429}, times=2)
    life.provider.create(life.props)
    assert all(pause >= 1 for pause in life.slept)  # as Retry-After says
    assert len(life.slept) == 2
    assert life.provider.read("id", life.props).outs == life.props


def test_a_token_that_is_blocked_waits_for_the_end_of_the_block(local, tmp_path, monkeypatch):
    """The real one is of five minutes and after 1,200 calls; here it is of a second, after three."""
    monkeypatch.setattr("local_cloud.cloudflare.dialect.CALLS", 3)
    monkeypatch.setattr("local_cloud.cloudflare.rate_limits.WINDOW_SECONDS", 1)
    with LocalCloud.run(tmp_path) as own:
        token, names = own.cloud.credentials.cloudflare_token, {"account": own.settings.account}
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", token)
        cf = Service(client=own.client, root=ROOT, token=token, names=names)
        namespaces = "/accounts/{account}/workers/dispatch/namespaces"
        cf.post(namespaces, json={"name": "apps"})
        with living(cf, f"{namespaces}/apps") as life:
            headers = {"Authorization": f"Bearer {token}"}
            own.client.put("/_local/profile", headers=headers, json={"enforce_limits": True}).raise_for_status()
            for number in range(4):
                life.provider.create(life.props | {"script": f"abc{number}"})
            own.client.put("/_local/profile", headers=headers, json={}).raise_for_status()
            assert max(life.slept) >= 1
            assert [script["id"] for script in cf.get(f"{namespaces}/apps/scripts")["result"]] == [
                "abc0",
                "abc1",
                "abc2",
                "abc3",
            ]


def test_who_gives_up_tells_the_call_the_reason_and_the_remedy_and_leaves_all_as_it_was(life, caplog):
    life.provider.create(life.props)
    before = life.settings()
    life.faults("PATCH", {"kind": "status", "status": 500}, times=1000)
    life.provider._api._patience = Patience(**{**vars(HASTE), "seconds": 2})
    with caplog.at_level(logging.WARNING), pytest.raises(CloudflareError) as given_up:
        life.provider.update("id", life.props, life.props | {"bindings": bound(secret("KEY", "planted-secret"))})
    told = str(given_up.value)
    assert told.startswith(
        f"PATCH {life.path.format_map(life.cf.names)}/settings: HTTP 500: workers.api.error.unknown (code 10013)"
    )
    assert "given up after " in told and told.endswith("nothing is done twice")
    assert "attempt 2 follows in" in caplog.text
    for secret_text in ("planted-secret", life.cf.token):
        assert secret_text not in told + caplog.text
    life.faults("PATCH")
    assert life.settings() == before


def test_what_is_refused_is_not_tried_again(life):
    with pytest.raises(CloudflareError, match="'CACHE' names KV namespace 'none', which does not exist"):
        life.provider.create(
            life.props | {"bindings": bound({"type": "kv_namespace", "name": "CACHE", "namespace_id": "none"})}
        )
    assert life.slept == []
    assert not life.exists()
