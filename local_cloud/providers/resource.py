"""What a package is made of: resource types and functions, each a declaration with the calls that carry it out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from local_cloud.providers.check import Failure
from local_cloud.providers.plan import Difference, differences, plan
from local_cloud.providers.schema import Object

Service = TypeVar("Service")
State = dict[str, Any]
"""Outputs by their Pulumi names, without None and with secrets in the clear."""


class Resource(ABC, Generic[Service]):
    """A resource type, over a configured `service`. Every call raises `ApiError` where the service refuses."""

    type: ClassVar[str]
    shape: ClassVar[Object]

    def __init__(self, service: Service) -> None:
        self.service = service

    def name(self, inputs: Mapping[str, Any], previous: Mapping[str, Any], logical_name: str, seed: bytes) -> State:
        """`inputs` with the name that a resource gets which isn't given any; by default, none."""
        del previous, logical_name, seed
        return dict(inputs)

    def validate(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        """What is wrong with `inputs` beyond their declaration."""
        del inputs
        yield from ()

    def plan(self, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> State:
        return plan(self.shape, inputs, state)

    def differences(self, planned: State, state: State) -> Iterator[Difference]:
        yield from differences(self.shape, planned, state)

    @abstractmethod
    def create(self, planned: State) -> tuple[str, State]:
        """The id and the state of the new resource, once the service knows it."""

    def complete(self, id: str, planned: State, state: State) -> State:
        """The state once everything that follows a creation is done. A failure here leaves a resource to be mended."""
        del id, planned
        return state

    @abstractmethod
    def locate(self, id: str) -> tuple[str, State]:
        """Id and state that an import's `id` stands for, enough to `read`. Raises `ProviderError` naming the format."""

    @abstractmethod
    def read(self, id: str, state: State) -> tuple[str, State]:
        """Id and state now. Raises `NotFound` when the resource is gone."""

    @abstractmethod
    def update(self, id: str, planned: State, state: State) -> State: ...

    @abstractmethod
    def delete(self, id: str, state: State) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Function(Generic[Service]):
    name: str
    arguments: Object
    invoke: Callable[[Service, State], State]


@dataclass(frozen=True, kw_only=True)
class Package(Generic[Service]):
    """A provider: `connect` makes its service of a configuration, or raises `ProviderError`."""

    name: str
    version: str
    configuration: Object
    connect: Callable[[State], Service]
    resources: Mapping[str, type[Resource[Service]]]
    functions: Mapping[str, Function[Service]]
