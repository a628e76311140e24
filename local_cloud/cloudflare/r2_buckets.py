"""R2 buckets, by name; their objects are in `r2_objects.py`."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import Page, now, refusal
from local_cloud.r2.bucket import Bucket
from local_cloud.r2.errors import R2Error
from local_cloud.r2.uploads import Uploads
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers R2 Storage")

BUCKETS = "/accounts/{account}/r2/buckets"
BUCKET = f"{BUCKETS}/{{bucket}}"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class NewBucket(Strict):
    """Where it is to be changes nothing here: it is kept, and shown."""

    name: str
    location_hint: Annotated[
        Literal["apac", "eeur", "enam", "weur", "wnam", "oc"] | None, Field(alias="locationHint")
    ] = None
    storage_class: Annotated[Literal["Standard", "InfrequentAccess"], Field(alias="storageClass")] = "Standard"


@routes.on("POST", BUCKETS)
def create_bucket(call: Call) -> dict[str, Any]:
    refuse_jurisdiction(call)
    sent = call.json(NewBucket)
    if not NAME.fullmatch(sent.name):
        raise refusal(400, 10005, "The specified bucket name is not valid.")
    if call.store.get("r2_buckets", "", sent.name):
        raise refusal(409, 10073, "Bucket name already exists.")
    bucket = {"name": sent.name, "creation_date": now(), "storage_class": sent.storage_class}
    if sent.location_hint:
        bucket["location"] = sent.location_hint.upper()
    call.store.put("r2_buckets", "", sent.name, bucket)
    return _shown(bucket)


@routes.on("GET", BUCKETS)
def list_buckets(call: Call) -> Page:
    """By name, in pages by cursor."""
    refuse_jurisdiction(call)
    query = call.filters("name_contains", "start_after", "cursor", "per_page", "order", "direction")
    size, backwards = call.number("per_page", 20, 1000), query.get("direction") == "desc"
    buckets = sorted(call.store.values("r2_buckets", ""), key=lambda one: one["name"], reverse=backwards)
    for after in filter(None, (query.get("start_after"), query.get("cursor"))):
        buckets = [one for one in buckets if one["name"] != after and (one["name"] < after) == backwards]
    found = [_shown(one) for one in buckets if query.get("name_contains", "") in one["name"]]
    more = {"cursor": found[size - 1]["name"]} if len(found) > size else {}
    return Page(result={"buckets": found[:size]}, info={"per_page": size, **more})


@routes.on("GET", BUCKET)
def get_bucket(call: Call) -> dict[str, Any]:
    return _shown(bucket_of(call).document)


@routes.on("DELETE", BUCKET)
def delete_bucket(call: Call) -> dict[str, Any]:
    """Refused while there are objects in it. Uploads in parts that were not completed go with it."""
    bucket = bucket_of(call)
    if not bucket.empty:
        raise refusal(409, 10008, "The bucket you tried to delete is not empty.")
    Uploads(bucket).clear()
    call.store.delete("r2_buckets", "", bucket.name)
    return {}


def bucket_of(call: Call) -> Bucket:
    """The bucket in the call's path; refused with 10006 if there is none."""
    refuse_jurisdiction(call)
    try:
        return Bucket(call.store, call["bucket"])
    except R2Error as error:
        raise refusal(error.status, error.code, str(error)) from None


def refuse_jurisdiction(call: Call) -> None:
    """At Cloudflare each jurisdiction has buckets of its own."""
    if call.headers.get("cf-r2-jurisdiction", "default") != "default":
        raise refusal(403, 10042, "the local cloud has no jurisdictions: leave out the header cf-r2-jurisdiction")


def _shown(bucket: Document) -> dict[str, Any]:
    return {**bucket, "jurisdiction": "default"}
