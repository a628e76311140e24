"""infra/access.py over the table that the dispatch Worker is tested over too."""

import json
from pathlib import Path

import pytest

from infra.access import access_key, access_token

CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "access.json").read_text())


@pytest.mark.parametrize("case", CONTRACT["keys"], ids=lambda case: case["secret"])
def test_the_key_is_derived(case):
    assert access_key(case["secret"]) == case["key"]


@pytest.mark.parametrize("case", CONTRACT["tokens"], ids=lambda case: f"{case['key'][:4]}-{case['token'][:14]}")
def test_a_token_is_signed(case):
    assert access_token(case["key"], case["scope"], case["expires"]) == case["token"]
