"""R2 as workerd asks for it: `GET /` reads, `PUT /` writes; what is asked is in a header or before the body's bytes."""

from functools import partial
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_cloud.edge.resources import R2_HEADER
from local_cloud.edge_data import r2_protocol as protocol
from local_cloud.r2 import conditions, errors
from local_cloud.r2.bucket import MAX_KEYS, Bucket, BucketReader
from local_cloud.r2.uploads import Uploads
from local_cloud.store import Reader, Store
from local_cloud.writes import Writes

_READ = TypeAdapter(protocol.Read)
_WRITE = TypeAdapter(protocol.Write)


def routes(reader: Reader, store: Store, writes: Writes) -> list[Route]:
    """An answer is JSON, its size in a header, and bytes. What R2 doesn't do has the status and the code of R2's."""

    async def read(request: Request) -> Response:
        # A header holds bytes: workerd sends UTF-8, Starlette reads Latin-1.
        asked = request.headers[protocol.REQUEST].encode("latin-1")
        try:
            return _read(BucketReader(reader, request.headers[R2_HEADER]), _message(_READ, asked))
        except errors.R2Error as error:
            return _refused(error)

    async def write(request: Request) -> Response:
        size, sent = int(request.headers[protocol.SIZE]), await request.body()

        def work() -> Any:
            bucket = Bucket(store, request.headers[R2_HEADER])
            return _write(bucket, _message(_WRITE, sent[:size]), sent[size:])

        try:
            return _answer(await writes.run(work))
        except errors.R2Error as error:
            return _refused(error)

    return [Route("/", read, methods=["GET"]), Route("/", write, methods=["PUT"])]


def _read(bucket: BucketReader, asked: Any) -> Response:
    match asked:
        case protocol.Head():
            return _answer(protocol.shown(bucket.head(asked.object)))
        case protocol.Get():
            return _got(bucket, asked)
        case _:
            page = bucket.page(asked.meant())
            objects = [protocol.shown(one, include=tuple(asked.include)) for one in page.objects]
            more = {"cursor": page.cursor} if page.cursor else {}
            return _answer({"objects": objects, "truncated": bool(more), "delimitedPrefixes": page.prefixes, **more})


def _got(bucket: BucketReader, asked: protocol.Get) -> Response:
    found = bucket.head(asked.object)
    if asked.onlyIf and not asked.onlyIf.meant().holds(found):
        raise errors.condition_failed(found)
    within = None
    if asked.rangeHeader is not None:
        within = conditions.from_header(asked.rangeHeader, found["size"])
    elif asked.range is not None:
        within = asked.range.meant().within(found["size"])
    offset, length = within or (0, found["size"])
    return _answer(protocol.shown(found, offset=offset, length=length), bucket.read(found, offset, length))


def _write(bucket: Bucket, asked: Any, body: bytes) -> Any:
    uploads = Uploads(bucket)
    match asked:
        case protocol.Put(object=key):
            condition = asked.onlyIf.meant() if asked.onlyIf else None
            put = partial(bucket.put, key, body, asked.about())
            return protocol.shown(put(condition=condition, checksums=asked.checksums()))
        case protocol.Delete():
            if len(asked.keys()) > MAX_KEYS:
                raise errors.invalid_argument(f"The maximum number of keys to delete at once is {MAX_KEYS}.")
            return bucket.delete(asked.keys())
        case protocol.CreateUpload(object=key):
            return {"uploadId": uploads.create(key, asked.about())}
        case protocol.UploadPart(object=key, uploadId=upload, partNumber=number):
            return {"etag": uploads.put_part(key, upload, number, body)}
        case protocol.CompleteUpload(object=key, uploadId=upload, parts=parts):
            return protocol.shown(uploads.complete(key, upload, [(one.part, one.etag) for one in parts]))
        case _:
            return uploads.abort(asked.object, asked.uploadId)


def _message(kind: TypeAdapter, text: bytes) -> Any:
    try:
        return kind.validate_json(text)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in details)
        raise errors.invalid_argument(f"the local cloud does not serve this: {wrong}") from None


def _answer(message: Any, body: bytes = b"", status: int = 200, headers: dict[str, str] | None = None) -> Response:
    if message is None:
        return Response(status_code=status, headers=headers)
    told = protocol.encoded(message)
    return Response(told + body, status, {**(headers or {}), protocol.SIZE: str(len(told))})


def _refused(error: errors.R2Error) -> Response:
    told = protocol.encoded({"version": 1, "v4code": error.code, "message": str(error)}).decode()
    found = protocol.shown(error.found) if error.found else None
    return _answer(found, status=error.status, headers={protocol.ERROR: told})
