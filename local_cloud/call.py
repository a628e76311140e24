"""One call to an emulated service, and what can come of it: an `Answer` or a `Refusal`."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from local_cloud import multipart
from local_cloud.cloud import Cloud
from local_cloud.routing import Route
from local_cloud.store import Store

Shape = TypeVar("Shape")

NO_FORM, NO_JSON = "no_form", "no_json"
"""Kinds of a problem with a whole body."""


class Strict(BaseModel):
    """A request body: a field that it doesn't name is refused, and a value is never converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is wrong with one field, or with the whole `body`. `field` is dotted.

    `kind` is pydantic's (`missing`, `extra_forbidden`, ...), `NO_FORM` or `NO_JSON`.
    """

    field: str
    kind: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`body` is bytes, or anything that JSON can hold; None is sent as no body at all."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Aside:
    """What is left of a call after its transaction: `work` that takes long and leaves the store alone.

    It returns the call's result, or raises its refusal. That of one `resource` is done one after the other.
    """

    resource: str
    work: Callable[[], Any]


class Refusal(Exception):
    """The call is answered with an error, and nothing of it is stored. `body` is in the service's own form."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status, body)
        self.answer = Answer(status=status, body=body)


class Dialect(Protocol):
    """How a service speaks: its routes, its errors, the frame around its answers. `name` is that of the service."""

    name: str

    def admit(self, call: "Call") -> None:
        """Raises the service's refusal of a wrong token, of one that may not make the call, or of an account or zone
        that does not exist."""

    def under_way(self, call: "Call") -> AbstractContextManager[None]:
        """Around the call, its wait for those before it included. Raises the service's refusal of too many at once."""

    def answer(self, call: "Call", result: Any) -> Answer:
        """What a handler has returned, in the service's frame."""

    def unknown_route(self, method: str, path: str) -> Refusal: ...

    def invalid(self, call: "Call", problems: Sequence[Problem]) -> Refusal: ...

    def real_token(self) -> Refusal:
        """The service's refusal of a token that looks like a real one."""

    def fault(self, status: int) -> Answer:
        """What is answered with a status of 400 or more where nothing is wrong with the call."""

    def failure(self, error: Exception) -> Refusal:
        """The service's answer to a fault of the local cloud itself, or to a Worker that the edge can't run."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call as its handler sees it. The handler runs inside one transaction of `store`.

    `path` is the percent-encoded path below the service's root. `route` is None if the service has no such call;
    `parameters` are the decoded ones of the route.
    What is in `after_commit` runs once the call's writes can't be lost any more. The answer has the `answer_headers`,
    whatever comes of the call.
    """

    cloud: Cloud
    dialect: Dialect
    method: str
    path: str
    route: Route | None
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, parameter: str) -> str:
        return self.parameters[parameter]

    @property
    def store(self) -> Store:
        return self.cloud.store

    @cached_property
    def form(self) -> list[multipart.Part]:
        """The parts of a multipart body."""
        try:
            return multipart.parse(self.headers.get("content-type", ""), self.body)
        except multipart.NoFormError as error:
            raise self.dialect.invalid(self, [Problem(field="body", kind=NO_FORM, message=str(error))]) from None
        except multipart.MultipartError as error:
            raise self.invalid("body", str(error)) from None

    def json(self, shape: type[Shape], body: bytes | None = None) -> Shape:
        """The body (or one part of it) as `shape`; refused with every problem at once if it isn't."""
        sent = self.body if body is None else body
        try:
            value = json.loads(sent)
            if b"\\u" in sent:
                # Half of a surrogate pair can be spelled in JSON, but neither be stored nor sent back.
                json.dumps(value, ensure_ascii=False).encode()
        except ValueError as error:
            problem = Problem(field="body", kind=NO_JSON, message=f"is not JSON: {error}")
            raise self.dialect.invalid(self, [problem]) from None
        return self.checked(shape, value)

    def checked(self, shape: type[Shape], value: Any) -> Shape:
        """`value`, which came out of JSON, as `shape`."""
        try:
            return TypeAdapter(shape).validate_python(value)
        except ValidationError as error:
            problems = [
                Problem(
                    field=".".join(str(part) for part in detail["loc"]) or "body",
                    kind=detail["type"],
                    message=detail["msg"].removeprefix("Value error, "),
                )
                for detail in error.errors(include_input=False, include_url=False)
            ]
            raise self.dialect.invalid(self, problems) from None

    def filters(self, *known: str) -> dict[str, str]:
        """The query, refused if it filters by anything else: to ignore a filter would answer another question."""
        unknown = [Problem(field=name, kind="extra_forbidden", message="unknown filter") for name in self.query]
        problems = [problem for problem in unknown if problem.field not in known]
        if problems:
            raise self.dialect.invalid(self, problems)
        return dict(self.query)

    def number(self, name: str, default: int, maximum: int, minimum: int = 1) -> int:
        """A whole number of the query, from `minimum` to `maximum`."""
        text = self.query.get(name, str(default))
        if not text.isdecimal() or not minimum <= int(text) <= maximum:
            raise self.invalid(name, f"must be a number from {minimum} to {maximum}")
        return int(text)

    def invalid(self, field: str, message: str) -> Refusal:
        return self.dialect.invalid(self, [Problem(field=field, kind="value_error", message=message)])
