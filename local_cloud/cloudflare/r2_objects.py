"""The objects of an R2 bucket."""

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, TypeVar

from local_cloud.call import Answer, Call
from local_cloud.cloudflare.dialect import Page, refusal
from local_cloud.cloudflare.r2_buckets import BUCKET, bucket_of
from local_cloud.r2.bucket import MAX_KEYS, About, Listing
from local_cloud.r2.errors import R2Error
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers R2 Storage")

OBJECTS = f"{BUCKET}/objects"
OBJECT = f"{OBJECTS}/{{key*}}"

HEADERS = {
    "contentType": "content-type",
    "contentLanguage": "content-language",
    "contentDisposition": "content-disposition",
    "contentEncoding": "content-encoding",
    "cacheControl": "cache-control",
    "cacheExpiry": "expires",
}
"""By the binding's names, the headers that an object's metadata comes from and goes to."""

Result = TypeVar("Result")


@routes.on("PUT", OBJECT)
def put_object(call: Call) -> dict[str, Any]:
    """The body is the object, some headers its metadata."""
    metadata = {name: call.headers[header] for name, header in HEADERS.items() if header in call.headers}
    if "cacheExpiry" in metadata:
        metadata["cacheExpiry"] = _milliseconds(call, metadata["cacheExpiry"])
    about = About(http_metadata=metadata, storage_class=call.headers.get("cf-r2-storage-class"))
    bucket = bucket_of(call)
    made = _answered(lambda: bucket.put(call["key"], call.body, about))
    shown = {name: made[name] for name in ("key", "etag", "version", "storage_class")}
    return {**shown, "size": str(made["size"]), "uploaded": _time(made["uploaded"])}


@routes.on("GET", OBJECT)
def get_object(call: Call) -> Answer:
    """The object as it is."""
    bucket = bucket_of(call)
    found = _answered(lambda: bucket.head(call["key"]))
    headers = {HEADERS[name]: value for name, value in found["http_metadata"].items() if name != "cacheExpiry"}
    if "cacheExpiry" in found["http_metadata"]:
        headers["expires"] = _http_date(found["http_metadata"]["cacheExpiry"])
    headers = {"content-type": "application/octet-stream", **headers}
    headers |= {"etag": f'"{found["etag"]}"', "last-modified": _http_date(found["uploaded"])}
    return Answer(body=bucket.read(found, 0, found["size"]), headers=headers)


@routes.on("DELETE", OBJECT)
def delete_object(call: Call) -> dict[str, Any]:
    bucket = bucket_of(call)
    _answered(lambda: bucket.delete([call["key"]]))
    return {"key": call["key"]}


@routes.on("GET", OBJECTS)
def list_objects(call: Call) -> Page:
    """`prefix`, `start_after` and `cursor` say from where on, `delimiter` joins keys to `result_info.delimited`."""
    query = call.filters("prefix", "delimiter", "start_after", "cursor", "per_page")
    size = call.number("per_page", 20, MAX_KEYS)
    wanted = Listing(
        prefix=query.get("prefix", ""),
        delimiter=query.get("delimiter", ""),
        after=query.get("start_after", ""),
        cursor=query.get("cursor", ""),
        limit=size,
    )
    bucket = bucket_of(call)
    found = _answered(lambda: bucket.page(wanted))
    more = {"cursor": found.cursor} if found.cursor else {}
    info = {"per_page": size, "is_truncated": bool(more), "delimited": found.prefixes, **more}
    return Page(result=[_shown(one) for one in found.objects], info=info)


def _shown(found: Document) -> dict[str, Any]:
    http = dict(found["http_metadata"])
    if "cacheExpiry" in http:
        http["cacheExpiry"] = _time(http["cacheExpiry"])
    return {
        "key": found["key"],
        "size": found["size"],
        "etag": found["etag"],
        "last_modified": _time(found["uploaded"]),
        "http_metadata": http,
        "custom_metadata": found["custom_metadata"],
        "storage_class": found["storage_class"],
    }


def _answered(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except R2Error as error:
        raise refusal(error.status, error.code, str(error)) from None


def _milliseconds(call: Call, date: str) -> int:
    try:
        return int(parsedate_to_datetime(date).timestamp() * 1000)
    except ValueError:
        raise call.invalid("expires", "is not an HTTP date") from None


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _time(milliseconds: int) -> str:
    return _moment(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _http_date(milliseconds: int) -> str:
    return format_datetime(_moment(milliseconds), usegmt=True)
