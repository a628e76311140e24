"""What workerd asks of an R2 bucket, and how it is answered: JSON, with bytes behind it."""

import base64
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from local_cloud.r2.bucket import ALGORITHMS, About, Listing
from local_cloud.r2.conditions import Condition, Etag, Range
from local_cloud.store import Document

SIZE = "cf-r2-metadata-size"
"""How many bytes of a body are JSON."""
REQUEST = "cf-r2-request"
ERROR = "cf-r2-error"


class Message(BaseModel):
    """Numbers of 64 bits come as text. What isn't known here is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SentEtag(Message):
    type: Literal["strong", "weak", "wildcard"]
    value: str | None = None

    def meant(self) -> Etag:
        return Etag(value=self.value, weak=self.type == "weak")


class OnlyIf(Message):
    etagMatches: list[SentEtag] | None = None
    etagDoesNotMatch: list[SentEtag] | None = None
    uploadedBefore: int | None = None
    uploadedAfter: int | None = None
    secondsGranularity: bool = False

    def meant(self) -> Condition:
        return Condition(
            matches=self.etagMatches and [one.meant() for one in self.etagMatches],
            matches_not=self.etagDoesNotMatch and [one.meant() for one in self.etagDoesNotMatch],
            uploaded_before=self.uploadedBefore,
            uploaded_after=self.uploadedAfter,
            seconds=self.secondsGranularity,
        )


class SentRange(Message):
    offset: int | None = None
    length: int | None = None
    suffix: int | None = None

    def meant(self) -> Range:
        return Range(**self.model_dump())


class HttpFields(Message):
    contentType: str | None = None
    contentLanguage: str | None = None
    contentDisposition: str | None = None
    contentEncoding: str | None = None
    cacheControl: str | None = None
    cacheExpiry: int | None = None


class CustomField(Message):
    k: str
    v: str


class Asked(Message):
    version: Literal[1]


class Described(Asked):
    """What two kinds of messages say about a new object."""

    object: str
    httpFields: HttpFields = HttpFields()
    customFields: list[CustomField] = Field(default_factory=list)
    storageClass: str | None = None

    def about(self) -> About:
        return About(
            http_metadata=self.httpFields.model_dump(exclude_none=True),
            custom_metadata={field.k: field.v for field in self.customFields},
            storage_class=self.storageClass or None,
        )


class Head(Asked):
    method: Literal["head"]
    object: str


class Get(Asked):
    method: Literal["get"]
    object: str
    range: SentRange | None = None
    rangeHeader: str | None = None
    onlyIf: OnlyIf | None = None


class List(Asked):
    """Of `include`, 0 stands for HTTP metadata, 1 for custom metadata."""

    method: Literal["list"]
    limit: int = 1000
    prefix: str = ""
    cursor: str = ""
    delimiter: str = ""
    startAfter: str = ""
    include: list[Literal[0, 1]] = Field(default_factory=list)
    newRuntime: bool = False

    def meant(self) -> Listing:
        return Listing(
            prefix=self.prefix,
            delimiter=self.delimiter,
            after=self.startAfter,
            cursor=self.cursor,
            limit=self.limit,
        )


class Put(Described):
    """MD5 is in base64, every other checksum in hexadecimal digits."""

    method: Literal["put"]
    onlyIf: OnlyIf | None = None
    md5: Annotated[str | None, BeforeValidator(lambda text: base64.b64decode(text).hex())] = None
    sha1: str | None = None
    sha256: str | None = None
    sha384: str | None = None
    sha512: str | None = None

    def checksums(self) -> dict[str, str]:
        return {name: value for name in ALGORITHMS if (value := getattr(self, name)) is not None}


class Delete(Asked):
    method: Literal["delete"]
    object: str | None = None
    objects: list[str] = Field(default_factory=list)

    def keys(self) -> list[str]:
        return self.objects if self.object is None else [self.object]


class CreateUpload(Described):
    method: Literal["createMultipartUpload"]


class Part(Message):
    etag: str
    part: int


class OfUpload(Asked):
    object: str
    uploadId: str


class UploadPart(OfUpload):
    method: Literal["uploadPart"]
    partNumber: int


class CompleteUpload(OfUpload):
    method: Literal["completeMultipartUpload"]
    parts: list[Part]


class AbortUpload(OfUpload):
    method: Literal["abortMultipartUpload"]


Read = Annotated[Head | Get | List, Field(discriminator="method")]
Write = Annotated[
    Put | Delete | CreateUpload | UploadPart | CompleteUpload | AbortUpload, Field(discriminator="method")
]


def shown(found: Document, *, offset: int = 0, length: int | None = None, include: tuple[int, ...] = (0, 1)) -> Any:
    """An object as workerd reads it; `offset` and `length` are those of the bytes that come along."""
    custom, sums = found["custom_metadata"] if 1 in include else {}, found["checksums"]
    return {
        "name": found["key"],
        "version": found["version"],
        "size": found["size"],
        "etag": found["etag"],
        "uploaded": found["uploaded"],
        "httpFields": found["http_metadata"] if 0 in include else {},
        "customFields": [{"k": name, "v": value} for name, value in custom.items()],
        "range": {"offset": offset, "length": found["size"] if length is None else length},
        "checksums": {str(at): sums[name] for at, name in enumerate(ALGORITHMS) if name in sums},
        "storageClass": found["storage_class"],
    }


def encoded(message: Any) -> bytes:
    return json.dumps(message).encode()
