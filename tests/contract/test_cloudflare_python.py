"""Cloudflare's calls through Cloudflare's own client for Python; answers are held against the client's typed models."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import cloudflare
import pydantic
import pytest
from client_steps import RefusedError, play
from cloudflare._base_client import BaseSyncPage
from cloudflare._response import APIResponse, BinaryAPIResponse
from cloudflare_calls import LOCAL_STEPS, STEPS

TOLERATED = r"\.placement\."
"""What is placed nowhere has an empty placement (so the official plugin's recordings too); no model allows that."""


@pytest.fixture(scope="module")
def client(cf):
    base_url = f"{str(cf.client.base_url).rstrip('/')}{cf.root}"
    with cloudflare.Cloudflare(base_url=base_url, api_token=cf.token, max_retries=0) as made:
        yield made


@pytest.fixture
def invoke(client):
    def invoked(call: str, given: dict[str, Any], names: Mapping[str, Any]) -> Any:
        method: Any = client
        for name in call.split("."):
            method = getattr(method, name)
        needed = {name: names[name] for name in inspect.signature(method).parameters if name in names}
        try:
            value = method(**{**needed, **given})
        except cloudflare.APIStatusError as error:
            raise RefusedError(error.status_code) from error
        match value:
            case BinaryAPIResponse():
                return value.read()
            case APIResponse():
                return value.json()
            case BaseSyncPage():
                value = list(value)
        assert [mistake for mistake in mistakes(value, call) if not re.search(TOLERATED, mistake)] == []
        return value

    return invoked


def mistakes(value: Any, where: str) -> Iterator[str]:
    """Where an answer is not as the client's own model of it says; the client takes it all the same."""
    match value:
        case list():
            yield from (problem for each in value for problem in mistakes(each, f"{where}[]"))
        case pydantic.BaseModel():
            try:
                type(value).model_validate(value.model_dump(mode="json", by_alias=True, exclude_unset=True))
            except pydantic.ValidationError as error:
                for each in error.errors():
                    yield f"{where}.{'.'.join(map(str, each['loc']))}: {each['msg']}"


@pytest.fixture
def names(cf, name):
    return {
        "account_id": cf.names["account"],
        "zone_id": cf.names["zone"],
        "zone_name": cf.names["zone_name"],
        "new": name,
    }


@pytest.mark.parametrize("subject", STEPS)
def test_calls(invoke, names, cleanup, subject):
    play(STEPS[subject], names, invoke, cleanup)


@pytest.mark.parametrize("subject", LOCAL_STEPS)
def test_calls_of_what_is_one_of_a_kind(local, invoke, names, cleanup, subject):
    play(LOCAL_STEPS[subject], names, invoke, cleanup)
