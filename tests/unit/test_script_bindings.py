"""Bindings as the API takes them."""

import asyncio

import pulumi
import pytest

from app_stacks.script_bindings import D1, R2, Binding, Kv, PlainText, SecretText, Service


@pytest.mark.parametrize(
    ("binding", "sent"),
    [
        (PlainText("NAME", "Ultra Think"), {"type": "plain_text", "name": "NAME", "text": "Ultra Think"}),
        (Kv("CACHE", "0af1"), {"type": "kv_namespace", "name": "CACHE", "namespace_id": "0af1"}),
        (D1("DB", "b3c9"), {"type": "d1", "name": "DB", "id": "b3c9"}),
        (R2("FILES", "abc123"), {"type": "r2_bucket", "name": "FILES", "bucket_name": "abc123"}),
        (Service("AUTH", "overskill-auth"), {"type": "service", "name": "AUTH", "service": "overskill-auth"}),
    ],
)
def test_each_kind(binding: Binding, sent: dict[str, str]) -> None:
    assert binding.to_api() == sent


def test_the_text_of_a_secret_is_one_for_pulumi_however_it_was_given() -> None:
    async def declared() -> tuple[bool, object]:
        text = SecretText("KEY", "s").to_api()["text"]
        assert isinstance(text, pulumi.Output)
        return await text.is_secret(), await text.future()

    assert asyncio.run(declared()) == (True, "s")
