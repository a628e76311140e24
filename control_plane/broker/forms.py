"""`multipart/form-data`, read as a stream onto disk under limits, and composed anew for Cloudflare."""

import math
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.requests import ClientDisconnect

from control_plane.broker.refusals import Refused

IN_MEMORY = 1024 * 1024
CHUNK = 256 * 1024
"""Divisible by 4, so that a chunk of base64 is base64."""

_BOUNDARY = re.compile(r'multipart/form-data; *boundary="?([0-9A-Za-z\'()+_,./:=?-]{1,70})"?', re.IGNORECASE)
_DISPOSITION = re.compile(r'form-data; name="([ -!#-\[\]-~]+)"(?:; filename="([ -!#-\[\]-~]+)")?')
_CONTENT_TYPE = re.compile("[ -~]+")
_HEADERS = {"content-disposition", "content-type"}


@dataclass(frozen=True, kw_only=True)
class Part:
    """A field of a form; `filename` and `content_type` are None where none was sent."""

    name: str
    filename: str | None
    content_type: str | None
    content: Callable[[], Iterator[bytes]]
    size: int

    def bytes(self) -> bytes:
        return b"".join(self.content())


def declared_length(request: Request) -> float:
    """What a request says of its body's length, in bytes: infinite for what is no sensible number, 0 for nothing."""
    told = request.headers.get("content-length", "0")
    return int(told) if told.isdecimal() and len(told) < 20 else math.inf


async def chunks(request: Request, limit: int, what: str) -> AsyncIterator[bytes]:
    """The body, as it comes. Raises `Refused`: 413 as soon as it is, or says that it is, of more than `limit` bytes."""
    too_large = Refused(413, f"{what} has more than {limit:,} bytes, which is the most that the broker takes")
    if declared_length(request) > limit:
        raise too_large
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise too_large
            yield chunk
    except ClientDisconnect:
        raise Refused(400, f"{what} was cut off") from None


@asynccontextmanager
async def received(request: Request, *, limit: int, most: int, what: str) -> AsyncIterator[list[Part]]:
    """The parts of the request's form, `most` at most, in the order sent, on disk until the context ends.

    Raises `Refused` for anything but a form whose parts have names that are told apart and headers of no effect.
    """
    boundary = _BOUNDARY.fullmatch(request.headers.get("content-type", ""))
    if not boundary:
        raise Refused(400, f"{what} must be multipart/form-data with a boundary")
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        reader = _Reader(file, most, what)
        parser = MultipartParser(boundary[1], reader.callbacks())
        try:
            async for chunk in chunks(request, limit, what):
                parser.write(chunk)
            parser.finalize()
        except FormParserError as error:
            raise Refused(400, f"{what} is no form: {error}") from None
        if not reader.ended:
            raise Refused(400, f"{what} ends before the form's last boundary")
        names = [part.name.lower() for part in reader.parts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Refused(400, f"{what} has more than one part {', '.join(twice)}")
        yield reader.parts


@dataclass
class _Reader:
    """What the parser has come to. The bodies stand in `file`, one behind the other."""

    file: SpooledTemporaryFile[bytes]
    most: int
    what: str
    parts: list[Part] = field(default_factory=list)
    ended: bool = False
    _headers: dict[str, str] = field(default_factory=dict)
    _field: bytes = b""
    _value: bytes = b""
    _start: int = 0

    def callbacks(self) -> dict[str, Callable[..., None]]:
        names = ("part_begin", "header_begin", "header_field", "header_value", "header_end", "part_data", "part_end")
        return {f"on_{name}": getattr(self, f"_{name}") for name in names} | {"on_end": self._end}

    def _part_begin(self) -> None:
        if len(self.parts) == self.most:
            raise Refused(400, f"{self.what} has more than {self.most} parts")
        self._headers = {}
        self._start = self.file.tell()

    def _header_begin(self) -> None:
        self._field = self._value = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        name = self._field.decode("latin-1").lower()
        if name not in _HEADERS or name in self._headers:
            raise Refused(400, f"{self.what} has a part with a header {name!a} that no part of a deploy has, or twice")
        self._headers[name] = self._value.decode("latin-1").strip()

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self.file.write(data[start:end])

    def _part_end(self) -> None:
        disposition = _DISPOSITION.fullmatch(self._headers.get("content-disposition", ""))
        content_type = self._headers.get("content-type")
        if not disposition or not (content_type is None or _CONTENT_TYPE.fullmatch(content_type)):
            raise Refused(400, f"{self.what} has a part whose headers are not those of a deploy: {self._headers!a}")
        name, filename = disposition.groups()
        start, size = self._start, self.file.tell() - self._start
        self.parts.append(
            Part(
                name=name,
                filename=filename,
                content_type=content_type,
                content=lambda: _read(self.file, start, size),
                size=size,
            )
        )

    def _end(self) -> None:
        self.ended = True


def _read(file: SpooledTemporaryFile[bytes], start: int, size: int) -> Iterator[bytes]:
    for position in range(start, start + size, CHUNK):
        file.seek(position)
        yield file.read(min(CHUNK, start + size - position))


class Form:
    """A form of our own: its headers say its length, and its body can be sent more than once."""

    def __init__(self, parts: Sequence[Part]) -> None:
        boundary = secrets.token_hex(16)
        self._parts = [(_head(boundary, part), part) for part in parts]
        self._end = f"--{boundary}--\r\n".encode()
        length = sum(len(head) + part.size + 2 for head, part in self._parts) + len(self._end)
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(length),
        }

    async def body(self) -> AsyncIterator[bytes]:
        for head, part in self._parts:
            yield head
            for chunk in part.content():
                yield chunk
            yield b"\r\n"
        yield self._end


def of_bytes(name: str, content: bytes, content_type: str | None = None) -> Part:
    """A part of a form of our own."""
    return Part(
        name=name, filename=None, content_type=content_type, content=lambda: iter((content,)), size=len(content)
    )


def _head(boundary: str, part: Part) -> bytes:
    filename = f'; filename="{part.filename}"' if part.filename else ""
    kind = f"Content-Type: {part.content_type}\r\n" if part.content_type else ""
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"{filename}\r\n{kind}\r\n'.encode()
