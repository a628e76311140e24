"""The pinned versions, and the platform that they are wanted for."""

import platform
from collections.abc import Mapping
from types import MappingProxyType

PULUMI = "3.258.0"
"""The engine; the newest whose Go module is published. The Python SDK in `requirements.in` is the same version."""

PROVIDERS: Mapping[str, str] = MappingProxyType({"cloudflare": "6.23.1", "github": "6.15.0"})
"""Provider plugins by name, each at the version of its SDK in `requirements.in`."""

GO = "1.26.6"
"""Go from the package index (`requirements/go.txt`), where something has to be built and the system's is too old."""

MINIMUM_GO = (1, 25, 11)
"""The oldest Go that builds the engine and act: the `go` line of their `go.mod`."""

ACT = "0.2.89"
"""act, which runs workflows: the requirement of `act/go.mod`."""

ACTIONLINT = "1.7.12"
"""actionlint, which checks workflows: the requirement of `actionlint/go.mod`."""

VEGETA = "12.13.0"
"""vegeta, which puts load on Workers: the requirement of `vegeta/go.mod`."""

NODE = "24.19.0"
"""Node from the package index (`requirements/node.txt`)."""

_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}


def platform_name() -> str:
    """This machine in the words of Pulumi's releases, such as `linux-x64`."""
    system, machine = platform.system(), platform.machine()
    return f"{_SYSTEMS.get(system, system.lower())}-{_MACHINES.get(machine.lower(), machine.lower())}"
