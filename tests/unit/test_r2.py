"""R2's objects in a store: conditions, ranges, uploads in parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud.r2 import uploads
from local_cloud.r2.bucket import About, Bucket, Listing
from local_cloud.r2.conditions import Condition, Etag, Range, from_header
from local_cloud.r2.errors import R2Error
from local_cloud.r2.uploads import Uploads
from local_cloud.store import Store

FOUND = {"etag": "e", "uploaded": 5_500}
SAME, OTHER = Etag(value="e"), Etag(value="o")


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    store = Store(tmp_path / "cloud.sqlite3")
    with store.transaction():
        store.put("r2_buckets", "", "one", {"name": "one", "storage_class": "Standard"})
        yield Bucket(store, "one")
    store.close()


@pytest.mark.parametrize(
    ("condition", "holds", "holds_of_none"),
    [
        ({}, True, True),
        ({"matches": [OTHER, SAME]}, True, False),
        ({"matches": [OTHER]}, False, False),
        ({"matches": [Etag(value="e", weak=True)]}, False, False),
        ({"matches": [Etag(value=None)]}, True, False),
        ({"matches_not": [OTHER]}, True, True),
        ({"matches_not": [Etag(value="e", weak=True)]}, False, True),
        ({"matches_not": [Etag(value=None)]}, False, True),
        ({"uploaded_before": 5_501}, True, True),
        ({"uploaded_before": 5_500}, False, True),
        ({"uploaded_before": 5_900, "seconds": True}, False, True),
        ({"uploaded_after": 5_499}, True, False),
        ({"uploaded_after": 5_500}, False, False),
        ({"uploaded_after": 5_100, "seconds": True}, False, False),
        ({"uploaded_before": 1, "matches": [SAME]}, True, False),
        ({"uploaded_after": 9_000, "matches_not": [OTHER]}, True, False),
    ],
)
def test_a_condition_holds_or_not(condition: dict[str, Any], holds: bool, holds_of_none: bool) -> None:
    made = Condition(**condition)
    assert (made.holds(FOUND), made.holds(None)) == (holds, holds_of_none)


@pytest.mark.parametrize(
    ("asked", "within"),
    [
        (Range(offset=2), (2, 8)),
        (Range(offset=2, length=3), (2, 3)),
        (Range(length=30), (0, 10)),
        (Range(suffix=3), (7, 3)),
        (Range(suffix=30), (0, 10)),
        (Range(offset=10), None),
        (Range(offset=11), None),
        (Range(suffix=0), None),
    ],
)
def test_a_range_is_within_an_object_or_refused(asked: Range, within: tuple[int, int] | None) -> None:
    if within is None:
        with pytest.raises(R2Error) as refused:
            asked.within(10)
        assert (refused.value.status, refused.value.code) == (416, 10039)
    else:
        assert asked.within(10) == within


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("bytes=0-1", (0, 2)),
        ("bytes=2-", (2, 8)),
        ("bytes=-3", (7, 3)),
        ("bytes=8-20", (8, 2)),
        ("bytes=10-", None),
        ("bytes=3-2", None),
        ("bytes=0-0,2-3", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_a_range_header_is_read_or_ignored(text: str, within: tuple[int, int] | None) -> None:
    assert from_header(text, 10) == within


def test_an_object_that_does_not_meet_a_condition_stays(bucket: Bucket) -> None:
    first = bucket.put("k", b"first", About())
    with pytest.raises(R2Error, match="pre-conditions"):
        bucket.put("k", b"second", About(), condition=Condition(matches_not=[Etag(value=first["etag"])]))
    assert bucket.read(bucket.head("k"), 1, 3) == b"irs"


def test_parts_become_one_object(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MIN_PART_BYTES", 3)
    sent = Uploads(bucket)
    upload = sent.create("k", About(custom_metadata={"a": "b"}, storage_class="InfrequentAccess"))
    etags = [
        (number, sent.put_part("k", upload, number, body)) for number, body in ((2, b"de"), (1, b"xyz"), (1, b"abc"))
    ]
    made = sent.complete("k", upload, etags[:1] + etags[2:])
    assert (made["size"], made["storage_class"], made["custom_metadata"]) == (5, "InfrequentAccess", {"a": "b"})
    assert made["etag"].endswith("-2")
    assert [bucket.read(made, *within) for within in ((0, 5), (2, 2), (3, 9))] == [b"abcde", b"cd", b"de"]
    bucket.store.sweep_blobs()
    assert bucket.read(bucket.head("k"), 0, 5) == b"abcde"


@pytest.mark.parametrize(
    ("bodies", "wanted", "code"),
    [
        ([b"abc", b"abc"], [0, 0], 10025),
        ([b"abc"], [], 10025),
        ([b"ab", b"c"], [0, 1], 10011),
        ([b"abcd", b"abc", b"a"], [0, 1, 2], 10048),
        ([b"abc", b"abcd"], [0, 1], 10048),
    ],
)
def test_parts_that_do_not_fit_stay_parts(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, bodies: list[bytes], wanted: list[int], code: int
) -> None:
    monkeypatch.setattr(uploads, "MIN_PART_BYTES", 3)
    sent = Uploads(bucket)
    upload = sent.create("k", About())
    parts = [(number, sent.put_part("k", upload, number, body)) for number, body in enumerate(bodies, 1)]
    with pytest.raises(R2Error) as refused:
        sent.complete("k", upload, [parts[at] for at in wanted])
    assert refused.value.code == code
    assert sent.complete("k", upload, parts[:1])["size"] == len(bodies[0])


def test_an_upload_is_known_by_its_key_until_it_ends(bucket: Bucket) -> None:
    sent = Uploads(bucket)
    upload = sent.create("k", About())
    for attempt in (lambda: sent.put_part("other", upload, 1, b""), lambda: sent.abort("k", "other")):
        with pytest.raises(R2Error, match="does not exist"):
            attempt()
    sent.put_part("k", upload, 1, b"a")
    sent.abort("k", upload)
    with pytest.raises(R2Error, match="does not exist"):
        sent.put_part("k", upload, 1, b"a")
    assert bucket.store.count("r2_parts", upload) == 0


def test_a_page_ends_between_what_is_joined(bucket: Bucket) -> None:
    for key in ("a", "b/1", "b/2", "c", "d/1"):
        bucket.put(key, b"", About())
    pages, cursor = [], ""
    while cursor is not None:
        page = bucket.page(Listing(delimiter="/", limit=1, cursor=cursor))
        pages.append([one["key"] for one in page.objects] + page.prefixes)
        cursor = page.cursor
    assert pages == [["a"], ["b/"], ["c"], ["d/"]]
