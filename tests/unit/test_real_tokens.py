"""Which credentials look real, wherever a client puts them; and that the local cloud makes none that do."""

import secrets
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from local_cloud import real_tokens
from local_cloud.state import StateDirectory

REAL = [
    "ghp_" + "aB3" * 12,
    "gho_" + "aB3" * 12,
    "ghu_" + "aB3" * 12,
    "ghr_" + "aB3" * 25,
    "ghs_123456_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxIn0.c2ln-bmF0dXJl",
    "github_pat_" + "a" * 22 + "_" + "b" * 59,
    "cfut_" + "aB3d" * 10 + "0a1b2c3d",
    "cfat_" + "aB3d" * 10 + "0a1b2c3d",
    "cfk_" + "aB3d" * 10 + "0a1b2c3d",
    "YQSn-xWAQiiEh9qM58wZNnyQS7FUdoqGIUAbrh7T",
    "0123456789abcdef0123456789abcdef01234567",
]
GLOBAL_KEY = "c2547eb745079dac9320b638f5e225cf483cc"


def basic(user, password):
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("token", REAL)
def test_a_real_looking_token_is_seen_wherever_a_client_puts_it(token):
    for value in (f"Bearer {token}", f"token {token}", token, basic("git", token), basic(token, "x-oauth-basic")):
        assert real_tokens.carried(Headers({"authorization": value}), "")
    assert real_tokens.carried(Headers({"x-auth-key": token}), "")


@pytest.mark.parametrize("token", REAL[:9])
def test_a_prefixed_one_is_seen_in_the_query_and_in_a_cookie_and_withheld_from_texts(token):
    assert real_tokens.carried(Headers(), f"page=1&access_token={token}")
    assert real_tokens.carried(Headers({"cookie": f"a=b; session={token}"}), "")
    assert real_tokens.withheld(f"/x/{token}/y") == "/x/[token]/y"


def test_a_global_key_is_seen():
    assert real_tokens.carried(Headers({"x-auth-key": GLOBAL_KEY, "x-auth-email": "a@example.com"}), "")


def test_what_the_local_cloud_makes_never_looks_real(tmp_path):
    directory = StateDirectory(tmp_path)
    made = directory.credentials()
    for token in (made.cloudflare_token, made.github_token, made.page_key):
        assert not real_tokens.carried(Headers({"authorization": f"Bearer {token}", "cookie": f"k={token}"}), token)
        assert real_tokens.withheld(f"({token})") == "([token])"


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer wrong", "Basic !", "Basic AAAA", "Bearer ghp_short", "Bearer a.b.c", "é"]
)
def test_anything_else_is_left_to_the_service(value):
    assert not real_tokens.carried(Headers(raw=[(b"authorization", value.encode())]), "page=2&name=ghp")


def test_the_name_of_a_thing_is_no_token():
    assert not real_tokens.carried(Headers({"user-agent": "x" * 40}), "name=" + secrets.token_hex(20))
    assert real_tokens.withheld("/repos/overskill/cfut_app") == "/repos/overskill/cfut_app"


@given(st.text(st.characters(codec="latin-1")))
def test_no_header_breaks_it(value):
    real_tokens.carried(Headers(raw=[(b"authorization", value.encode("latin-1"))]), value)
