"""What an app stack reads of the platform stack that it belongs to, through a StackReference."""

import pulumi

from infra.names import AppEnvironment, Origins


class PlatformStack:
    """The outputs of one platform stack, such as `local`."""

    def __init__(self, stack: str) -> None:
        self._reference = pulumi.StackReference(f"{pulumi.get_organization()}/overskill/{stack}")
        self.account_id = self._reference.require_output("accountId")
        self.template = self._reference.require_output("template")
        self.webhook_base = self._reference.require_output("webhookBase")

    def namespace(self, app_environment: AppEnvironment) -> pulumi.Output[str]:
        return self._reference.require_output("namespaces").apply(lambda namespaces: namespaces[app_environment])

    @property
    def origins(self) -> pulumi.Output[Origins]:
        return self._reference.require_output("origins").apply(
            lambda o: Origins(**{**o, "port": int(o["port"]) if o.get("port") else None})
        )
