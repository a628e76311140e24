"""A stand-in plugin driven as the engine drives it, over services that a test makes up."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import grpc
import httpx
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2, status_pb2

from local_cloud.providers.client import Client, Pace, Retries
from local_cloud.providers.resource import Package
from local_cloud.providers.server import Provider
from local_cloud.providers.wire import decode, encode

Properties = dict[str, Any]
Service = Callable[[str, str, Any], tuple[int, Any]]
"""Method, path with query and body to status and answer."""


class Failed(Exception):
    """An error of the plugin's, as the engine gets it; `created` is what it has made all the same."""

    created: provider_pb2.ErrorResourceInitFailed | None = None


class Context:
    """What the plugin sees of a call."""

    def __init__(self) -> None:
        self._metadata: Mapping[str, bytes] = {}

    def set_trailing_metadata(self, metadata: Any) -> None:
        self._metadata = dict(metadata)

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        failed = Failed(details)
        if status := self._metadata.get("grpc-status-details-bin"):
            failed.created = provider_pb2.ErrorResourceInitFailed()
            assert status_pb2.Status.FromString(status).details[0].Unpack(failed.created)
        raise failed


def _sent(request: httpx.Request) -> Any:
    """The JSON of a call, or the fields of its form."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
        parts = message_from_bytes(head + request.content).get_payload()
        return {part.get_param("name", header="content-disposition"): part.get_payload() for part in parts}
    return json.loads(request.content) if request.content else None


@dataclass
class Plugin:
    """A plugin over `service`; `calls` are the ones that it made."""

    package: Package[Any]
    service: Service
    connect: Callable[[Client], Any]
    base_url: str = "http://127.0.0.1:1/api"
    calls: list[tuple[str, str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            body = _sent(request)
            path = request.url.raw_path.decode().removeprefix("/api")
            self.calls.append((request.method, path, body))
            status, answer = self.service(request.method, path, body)
            if isinstance(answer, str):
                return httpx.Response(status, text=answer)
            return httpx.Response(status, json=answer) if answer is not None else httpx.Response(status)

        client = Client(
            base_url=self.base_url,
            token="t0ken",
            retries=Retries(statuses=frozenset(), attempts=0, delay=0),
            explain=lambda body: str(body["message"] if "message" in body else body["errors"][0]["message"]),
            pace=Pace(one_at_a_time=False),
            http=httpx.Client(transport=httpx.MockTransport(answer)),
        )
        self.provider = Provider(dataclasses.replace(self.package, connect=lambda _: self.connect(client)))
        self.provider.Configure(provider_pb2.ConfigureRequest(), Context())

    def _named(self, type_: str) -> dict[str, str]:
        return {"type": type_, "name": "name", "urn": f"urn:pulumi:s::p::{type_}::name"}

    def check(self, type_: str, inputs: Properties, olds: Properties | None = None) -> provider_pb2.CheckResponse:
        request = provider_pb2.CheckRequest(
            **self._named(type_), news=encode(inputs), olds=encode(olds or {}), randomSeed=b"seed"
        )
        return self.provider.Check(request, Context())

    def create(self, type_: str, inputs: Properties, preview: bool = False) -> tuple[str, Properties]:
        request = provider_pb2.CreateRequest(**self._named(type_), properties=encode(inputs), preview=preview)
        response = self.provider.Create(request, Context())
        return response.id, decode(response.properties)

    def diff(
        self, type_: str, state: Properties, inputs: Properties, ignored: tuple[str, ...] = ()
    ) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(
            **self._named(type_), id="id", olds=encode(state), news=encode(inputs), ignoreChanges=ignored
        )
        return self.provider.Diff(request, Context())

    def kinds(self, type_: str, state: Properties, inputs: Properties) -> dict[str, str]:
        """A diff as `{path: kind}`."""
        detailed = self.diff(type_, state, inputs).detailedDiff
        return {path: provider_pb2.PropertyDiff.Kind.Name(detailed[path].kind) for path in detailed}

    def read(
        self, type_: str, id: str, state: Properties | None = None, inputs: Properties | None = None
    ) -> tuple[str, Properties, Properties]:
        request = provider_pb2.ReadRequest(
            **self._named(type_), id=id, properties=encode(state or {}), inputs=encode(inputs or {})
        )
        response = self.provider.Read(request, Context())
        return response.id, decode(response.properties), decode(response.inputs)

    def update(self, type_: str, id: str, state: Properties, inputs: Properties, preview: bool = False) -> Properties:
        request = provider_pb2.UpdateRequest(
            **self._named(type_), id=id, olds=encode(state), news=encode(inputs), preview=preview
        )
        return decode(self.provider.Update(request, Context()).properties)

    def delete(self, type_: str, id: str, state: Properties) -> None:
        request = provider_pb2.DeleteRequest(**self._named(type_), id=id, properties=encode(state))
        self.provider.Delete(request, Context())

    def invoke(self, function: str, arguments: Properties) -> tuple[Properties, list[str]]:
        response = self.provider.Invoke(provider_pb2.InvokeRequest(tok=function, args=encode(arguments)), Context())
        returned: Struct = getattr(response, "return")
        return decode(returned), [failure.reason for failure in response.failures]


def reasons(response: provider_pb2.CheckResponse) -> dict[str, str]:
    """What a check found: the path that each reason names, and the reason before it."""
    pairs = (failure.reason.removesuffix("'.").split(". Examine values at 'name.") for failure in response.failures)
    return {path: reason for reason, path in pairs}
