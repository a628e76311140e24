"""What a namespace script is bound to, as an app's stack declares it.

The static assets of a script are not among them: they and their binding come with a deploy, and stay what it made them.
"""

from dataclasses import dataclass
from typing import ClassVar

import pulumi


@dataclass(frozen=True)
class Binding:
    """`name` is what the script finds it under, in its `env`."""

    type: ClassVar[str]

    name: str

    def to_api(self) -> dict[str, pulumi.Input[str]]:
        """As Cloudflare's API takes it: `{type, name, ...}`."""
        return {"type": self.type, **vars(self)}


@dataclass(frozen=True)
class PlainText(Binding):
    type = "plain_text"
    text: pulumi.Input[str]


@dataclass(frozen=True)
class SecretText(Binding):
    """Its text is a Pulumi secret, whether or not it was one before: encrypted in the state."""

    type = "secret_text"
    text: pulumi.Input[str]

    def to_api(self) -> dict[str, pulumi.Input[str]]:
        return {**super().to_api(), "text": pulumi.Output.secret(self.text)}


@dataclass(frozen=True)
class Kv(Binding):
    type = "kv_namespace"
    namespace_id: pulumi.Input[str]


@dataclass(frozen=True)
class D1(Binding):
    type = "d1"
    database_id: pulumi.Input[str]

    def to_api(self) -> dict[str, pulumi.Input[str]]:
        return {"type": self.type, "name": self.name, "id": self.database_id}


@dataclass(frozen=True)
class R2(Binding):
    type = "r2_bucket"
    bucket_name: pulumi.Input[str]


@dataclass(frozen=True)
class Service(Binding):
    """An account Worker."""

    type = "service"
    service: pulumi.Input[str]
