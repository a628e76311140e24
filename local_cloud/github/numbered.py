"""What a repository has many of, each known by its number: kept in the order in which they were made."""

from local_cloud.call import Call
from local_cloud.cloud import Cloud
from local_cloud.github.dialect import not_found
from local_cloud.store import Document


def key(number: int) -> str:
    """Orders documents by their numbers."""
    return f"{number:012}"


def find(cloud: Cloud, repository: Document, collection: str, number: int | str) -> Document | None:
    """`number` may be any text, which then names nothing."""
    text = str(number)
    return cloud.store.get(collection, str(repository["id"]), key(int(text))) if text.isdecimal() else None


def named(call: Call, repository: Document, collection: str, parameter: str) -> Document:
    """The one that a parameter of the call's path names, or 404."""
    found = find(call.cloud, repository, collection, call[parameter])
    if not found:
        raise not_found()
    return found


def put(cloud: Cloud, repository: Document, collection: str, document: Document) -> None:
    cloud.store.put(collection, str(repository["id"]), key(document["id"]), document)


def delete(cloud: Cloud, repository: Document, collection: str, document: Document) -> None:
    cloud.store.delete(collection, str(repository["id"]), key(document["id"]))
