"""The local cloud answers what the official plugins ask, as it was recorded.

The edge of these tests runs nothing.
"""

import re

import httpx
import pytest
from contract_service import LocalCloud, upload
from recordings import DEVIATIONS, Recorded, Replay, beginning, load


@pytest.fixture
def fresh(local, tmp_path):
    """A local cloud of its own, which holds nothing else."""
    with LocalCloud.run(tmp_path, zones=("overskill.com",)) as made:
        yield made


def test_cloudflares_calls_are_answered_as_recorded(fresh):
    token, account = fresh.cloud.credentials.cloudflare_token, fresh.settings.account
    workers = f"/client/v4/accounts/{account}/workers"
    headers = {"Authorization": f"Bearer {token}"}
    # What the recorded Worker is bound to: the recording server did not ask for it.
    fresh.client.post(f"{workers}/dispatch/namespaces", json={"name": "ns-prod"}, headers=headers).raise_for_status()
    fresh.client.put(f"{workers}/scripts/outb", files=upload({}), headers=headers).raise_for_status()
    replay = Replay(fresh.client, token, {"acc123": account})
    problems = [problem for call in load()["cloudflare"] for problem in replay.run(call)]
    assert problems == []


def test_githubs_calls_are_answered_as_recorded(fresh):
    token = fresh.cloud.credentials.github_token
    template = {"name": "vite-wfp-template", "is_template": True, "auto_init": True, "private": True}
    headers = {"Authorization": f"Bearer {token}"}
    fresh.client.post("/api/v3/orgs/overskill/repos", json=template, headers=headers).raise_for_status()
    replay = Replay(fresh.client, token, {})
    problems = [problem for call in load()["github"] for problem in replay.run(call)]
    assert problems == []


def test_a_replay_finds_what_is_missing_or_different():
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"result": {"id": "mine", "name": "other"}})

    recorded = {"result": {"id": "theirs", "name": "one", "gone": 1}}
    path = "/client/v4/accounts/acc123/workers/workers"
    call = Recorded(method="POST", path=path, content_type="application/json", body="{}", status=200, answer=recorded)
    replay = Replay(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://x"), "", {})
    wrong = replay.run(call)
    assert [problem.partition(": ")[2] for problem in wrong] == [
        ".result.name is 'other', recorded was 'one'",
        ".result.gone is missing",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "b": [1, 2]}', {"a": 1, "b": [1, 2]}),
        ('{"a": 1, "b": [1, {"c": "x, y", "d', {"a": 1, "b": [1, {"c": "x, y"}]}),
        ('{"a": {"b": "}", "c": tr', {"a": {"b": "}"}}),
    ],
)
def test_a_cut_answer_is_read_as_far_as_it_goes(text, value):
    assert beginning(text) == value


def test_every_deviation_has_a_reason_and_is_of_use():
    calls = [f"{call.method} {call.path}" for recorded in load().values() for call in recorded]
    for deviation in DEVIATIONS:
        assert deviation.reason
        assert any(re.fullmatch(deviation.calls, call) for call in calls), deviation.calls
