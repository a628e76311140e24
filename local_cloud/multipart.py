"""`multipart/form-data` (RFC 7578), read strictly and byte for byte: module bodies may be binary."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser


class MultipartError(ValueError):
    """The body is not what its Content-Type says; the message says where."""


class NoFormError(MultipartError):
    """The Content-Type is another one; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One field of a form. `filename` and `content_type` are None where the client sent none."""

    name: str
    filename: str | None = None
    content_type: str | None = None
    body: bytes


def parse(content_type: str, body: bytes) -> list[Part]:
    """The parts in the order sent. Raises `MultipartError`, `NoFormError` if the body is no form at all."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data":
        raise NoFormError(f"Content-Type must be multipart/form-data; it is {content_type!r}")
    if not boundary:
        raise MultipartError("Content-Type must be multipart/form-data with a boundary")
    # The delimiter owns the line break before it, and the first part may open the body.
    sections = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(sections) < 2 or not sections[-1].startswith(b"--"):
        raise MultipartError("the body ends before the closing boundary")
    return [_part(section) for section in sections[1:-1]]


def _part(section: bytes) -> Part:
    head, separator, body = section.partition(b"\r\n\r\n")
    if not separator:
        raise MultipartError("a part has no empty line between its headers and its body")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace").lstrip("\r\n"))
    name = headers.get_param("name", header="Content-Disposition")
    if not isinstance(name, str):
        raise MultipartError("a part's Content-Disposition has no name")
    filename = headers.get_filename()
    return Part(name=name, filename=filename, content_type=headers.get("Content-Type"), body=body)


def render(parts: Iterable[Part]) -> tuple[str, bytes]:
    """Content-Type and body of a form with these parts."""
    boundary = uuid.uuid4().hex
    body = bytearray()
    for part in parts:
        filename = f'; filename="{part.filename}"' if part.filename else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"{filename}\r\n'.encode()
        body += f"Content-Type: {part.content_type}\r\n".encode() if part.content_type else b""
        body += b"\r\n" + part.body + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", bytes(body) + f"--{boundary}--\r\n".encode()
