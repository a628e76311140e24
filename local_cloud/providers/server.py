"""The gRPC service `pulumirpc.ResourceProvider` over a package: one for all resource types.

Properties arrive and leave as with the official plugins: unknown in previews, and secret wherever the declaration, the
program or the state says so.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from local_cloud.providers.check import Failure, check
from local_cloud.providers.errors import ApiError, NotFound, ProviderError
from local_cloud.providers.plan import Difference, Kind, differences, given_by, refreshed
from local_cloud.providers.resource import Function, Package, Resource, State
from local_cloud.providers.schema import Object, conceal_declared, with_unknowns
from local_cloud.providers.wire import UNKNOWN, Secret, conceal, decode, encode, reveal

_ENGINES_OWN = frozenset({"version", "pluginDownloadURL"})
"""What the engine adds to every provider's configuration."""

_KINDS = {
    (kind, replaces): getattr(provider_pb2.PropertyDiff, kind.name + ("_REPLACE" if replaces else ""))
    for kind in Kind
    for replaces in (False, True)
}

Handler = TypeVar("Handler", bound=Callable[..., Any])


def _answering(handler: Handler) -> Handler:
    """Make what a handler raises an error of the engine's, in the error's own words."""

    @wraps(handler)
    def answer(self: "Provider", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return handler(self, request, context)
        except ProviderError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return answer  # type: ignore[return-value]


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves `package`. Nothing is called before `Configure` connected it."""

    def __init__(self, package: Package[Any]) -> None:
        self._package = package
        self._service: Any = None

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self._package.version)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        return Empty()

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        given = decode(request.news)
        failures = [
            provider_pb2.CheckFailure(reason=f"{self._package.name}:{failure.path}: {failure.reason}")
            for failure in check(self._package.configuration, _configuration(self._package.configuration, given))
        ]
        return provider_pb2.CheckResponse(
            inputs=encode(conceal_declared(self._package.configuration, given)), failures=failures
        )

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Inputs against inputs, as the Terraform bridge compares them: neither package has any that replaces."""
        shape = self._package.configuration
        before, now = (reveal(_configuration(shape, decode(inputs))) for inputs in (request.old_inputs, request.news))
        found = differences(shape, now, before)
        return _diff_response([d for d in found if not _is_ignored(d.path, request.ignoreChanges)])

    @_answering
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        given = _configuration(self._package.configuration, decode(request.args))
        self._service = self._package.connect(reveal(given))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @_answering
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        type_ = self._package.resources.get(request.type)
        if type_ is None:
            return provider_pb2.CheckResponse(
                inputs=request.news, failures=[provider_pb2.CheckFailure(reason=self._unknown(request.type))]
            )
        resource = type_(self._service)
        inputs = resource.name(decode(request.news), reveal(decode(request.olds)), request.name, request.randomSeed)
        failures = [*check(type_.shape, inputs), *resource.validate(inputs)]
        return provider_pb2.CheckResponse(
            inputs=encode(conceal_declared(type_.shape, inputs)),
            failures=_check_failures(failures, type_.shape, inputs, request.name),
        )

    @_answering
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        resource = self._resource(request.type)
        state = reveal(decode(request.olds))
        planned = resource.plan(reveal(decode(request.news)), state)
        found = [d for d in resource.differences(planned, state) if not _is_ignored(d.path, request.ignoreChanges)]
        return _diff_response(found)

    @_answering
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        resource = self._resource(request.type)
        inputs = decode(request.properties)
        planned = resource.plan(reveal(inputs), {})
        if request.preview:
            shown = _outputs(resource, with_unknowns(resource.shape, planned), inputs)
            return provider_pb2.CreateResponse(properties=shown)
        id, state = resource.create(planned)
        try:
            state = resource.complete(id, planned, state)
        except ApiError as error:
            _abort_incomplete(context, id, _outputs(resource, state, inputs), request.properties, str(error))
        return provider_pb2.CreateResponse(id=id, properties=_outputs(resource, state, inputs))

    @_answering
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        resource = self._resource(request.type)
        state, inputs = decode(request.properties), decode(request.inputs)
        try:
            id, now = resource.read(*((request.id, reveal(state)) if state else resource.locate(request.id)))
        except NotFound:
            return provider_pb2.ReadResponse(id="")
        if inputs:
            wanted = reveal(inputs)
            inputs_now = refreshed(resource.shape, wanted, resource.plan(wanted, now), now)
        else:
            inputs_now = given_by(resource.shape, now)
        return provider_pb2.ReadResponse(
            id=id, properties=_outputs(resource, now, state, inputs), inputs=_outputs(resource, inputs_now, inputs)
        )

    @_answering
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        resource = self._resource(request.type)
        olds, inputs = decode(request.olds), decode(request.news)
        state = reveal(olds)
        planned = resource.plan(reveal(inputs), state)
        if request.preview:
            unsure = {name: UNKNOWN for name, declared in resource.shape if declared.output and not declared.stable}
            return provider_pb2.UpdateResponse(properties=_outputs(resource, {**planned, **unsure}, inputs))
        now = resource.update(request.id, planned, state)
        return provider_pb2.UpdateResponse(properties=_outputs(resource, now, inputs))

    @_answering
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._resource(request.type).delete(request.id, reveal(decode(request.properties)))
        return Empty()

    @_answering
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        function: Function[Any] | None = self._package.functions.get(request.tok)
        if function is None:
            raise ProviderError(self._unknown(request.tok))
        arguments = decode(request.args)
        failures = _check_failures([*check(function.arguments, arguments)], function.arguments, arguments, request.tok)
        if failures:
            return provider_pb2.InvokeResponse(failures=failures)
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(encode(function.invoke(self._service, reveal(arguments))))
        return response

    def _resource(self, type_: str) -> Resource[Any]:
        if type_ not in self._package.resources:
            raise ProviderError(self._unknown(type_))
        return self._package.resources[type_](self._service)

    def _unknown(self, name: str) -> str:
        return (
            f"{name}: the local cloud's stand-in for the {self._package.name} provider doesn't have it; "
            "it needs the official plugin (--providers official)"
        )


def _configuration(shape: Object, given: Mapping[str, Any]) -> State:
    """`given` without what is the engine's own, and with what a stack's configuration holds as text made its type."""
    return {
        name: _parsed(value) if name in shape.properties and shape[name].type is not str else value
        for name, value in given.items()
        if name not in _ENGINES_OWN
    }


def _parsed(value: Any) -> Any:
    if isinstance(value, Secret):
        return Secret(_parsed(value.value))
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _outputs(resource: Resource[Any], values: State, *patterns: State) -> Message:
    """`values` as the engine gets them, secret where they are declared so or were in `patterns`."""
    return encode(conceal_declared(resource.shape, conceal(values, *patterns)))


def _check_failures(
    failures: Iterable[Failure], shape: Object, inputs: Mapping[str, Any], name: str
) -> list[provider_pb2.CheckFailure]:
    """The engine prints a named property's whole value: one that holds a secret isn't named but in the reason."""
    concealed = conceal_declared(shape, inputs)
    return [
        provider_pb2.CheckFailure(
            property="" if _holds_secret(concealed.get(failure.root)) else failure.root,
            reason=f"{failure.reason}. Examine values at '{name}.{failure.path}'.",
        )
        for failure in failures
    ]


def _holds_secret(value: Any) -> bool:
    match value:
        case Secret():
            return True
        case dict():
            return any(_holds_secret(item) for item in value.values())
        case list():
            return any(_holds_secret(item) for item in value)
        case _:
            return False


def _is_ignored(path: str, ignored: Iterable[str]) -> bool:
    return any(path == prefix or path.startswith((f"{prefix}.", f"{prefix}[")) for prefix in ignored)


def _diff_response(found: list[Difference]) -> provider_pb2.DiffResponse:
    response = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({difference.root for difference in found}),
        replaces=sorted({difference.root for difference in found if difference.replaces}),
        hasDetailedDiff=True,
    )
    for difference in found:
        response.detailedDiff[difference.path].kind = _KINDS[difference.kind, difference.replaces]
    return response


def _abort_incomplete(
    context: grpc.ServicerContext, id: str, properties: Message, inputs: Message, reason: str
) -> None:
    """Fail a creation whose resource exists all the same: the engine keeps it, and updates it the next time."""
    detail = AnyMessage()
    detail.Pack(provider_pb2.ErrorResourceInitFailed(id=id, properties=properties, inputs=inputs, reasons=[reason]))
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, reason)
