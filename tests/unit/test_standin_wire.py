"""Property values between the engine and a stand-in plugin."""

from local_cloud.providers.wire import (
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    UNKNOWN_VALUE,
    Secret,
    conceal,
    decode,
    encode,
    reveal,
)

VALUES = {
    "text": "a",
    "whole": 100,
    "part": 0.5,
    "yes": True,
    "list": [1, "a", {"b": Secret("hush")}],
    "unknown": UNKNOWN,
    "secret": Secret({"unknown": UNKNOWN}),
}


def test_values_survive_the_wire():
    assert decode(encode(VALUES)) == VALUES


def test_whole_numbers_are_integers():
    assert [type(decode(encode(VALUES))[name]) for name in ("whole", "part", "yes")] == [int, float, bool]


def test_secrets_and_unknowns_have_the_engines_signatures():
    struct = encode(VALUES)
    assert struct["unknown"] == UNKNOWN_VALUE
    assert dict(struct["list"][2]["b"]) == {SIGNATURE_KEY: SECRET_SIGNATURE, "value": "hush"}


def test_an_unknown_of_any_type_is_unknown():
    assert decode(encode({"number": "3eeb2bf0-c639-47a8-9e75-3b44932eb421"})) == {"number": UNKNOWN}


def test_none_is_left_out():
    assert "gone" not in encode({"gone": None})
    assert reveal({"a": {"gone": None}, "b": None}) == {"a": {}}


def test_a_secret_does_not_show():
    assert "hush" not in repr(VALUES)


def test_reveal_unwraps_everywhere():
    assert reveal(VALUES)["list"][2] == {"b": "hush"}
    assert reveal(VALUES)["secret"] == {"unknown": UNKNOWN}


def test_conceal_follows_patterns():
    value = {"a": "x", "b": [{"c": "y", "d": "z"}], "e": {"f": "g"}}
    assert conceal(value, {"a": Secret("old")}, {"b": [{"c": Secret("old")}], "e": Secret({})}) == {
        "a": Secret("x"),
        "b": [{"c": Secret("y"), "d": "z"}],
        "e": Secret({"f": "g"}),
    }
