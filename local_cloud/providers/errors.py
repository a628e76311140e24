"""What a stand-in fails with. No message holds a credential or a secret value."""


class ProviderError(Exception):
    """Something that the user has to mend; the message says what is wrong and how."""


class ApiError(ProviderError):
    """A call that the service refused, or that did not reach it: the call, the status and the service's own message."""


class NotFound(ApiError):
    """The service answered 404."""
