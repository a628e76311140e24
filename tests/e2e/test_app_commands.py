"""One app by the command line alone: made with options, shown, changed, suspended, removed, and taken back."""

import json

import pytest
from conftest import Checkout

REPOSITORY = "/api/v3/repos/overskill-apps/shop"


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Checkout:
    checkout.run("up", "--detach")
    return checkout


def shown(up: Checkout) -> dict:
    output = up.run("app", "show", "shop", "--json")
    return json.loads(output[output.index("{") : output.rindex("}") + 1])


@pytest.mark.slow
def test_from_the_first_option_to_the_archived_repository_and_back(up):
    up.run("app", "create", "shop", "--plan", "pro", "--display-name", "Acme shop")
    before = shown(up)
    assert (before["displayName"], before["plan"], before["state"]) == ("Acme shop", "pro", None)
    assert before["scripts"] == {"preview": True, "staging": True, "production": True}
    assert before["lastRun"]["result"] == "succeeded"
    assert "the platform has no gold" in up.run("app", "update", "shop", "--plan", "gold", code=1)
    up.run("app", "update", "shop", "--set", "plan=null", "--visibility", "public")
    assert shown(up)["plan"] == "free"
    assert up.api("GET", REPOSITORY).json()["visibility"] == "public"

    up.run("app", "destroy", "shop")
    assert shown(up)["state"]["reason"].startswith("to be removed after 20")
    up.run("app", "create", "shop")
    assert shown(up)["state"] is None
    up.run("app", "destroy", "shop", "--now")
    up.await_status("shop.overskill.localhost", 404)
    assert up.api("GET", REPOSITORY).json()["archived"]

    assert "adopted" in up.run("app", "create", "shop")
    assert not up.api("GET", REPOSITORY).json()["archived"]
    up.run("app", "destroy", "shop", "--now", "--delete-repository")
    assert up.api("GET", REPOSITORY).status_code == 404
