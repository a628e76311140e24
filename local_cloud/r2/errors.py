"""What R2 refuses, with the codes that it has for it."""

from local_cloud.store import Document

MAX_OBJECT_BYTES = 100 * 1024 * 1024
"""Of an object or a part that is uploaded at once. R2 has 5 GiB; here it is held in memory."""


class R2Error(Exception):
    """`status` is HTTP's, `code` R2's. `found`: the object that did not meet a condition."""

    def __init__(self, status: int, code: int, message: str, found: Document | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.found = status, code, found


def no_such_bucket() -> R2Error:
    return R2Error(404, 10006, "The specified bucket does not exist.")


def no_such_key() -> R2Error:
    return R2Error(404, 10007, "The specified key does not exist.")


def no_such_upload() -> R2Error:
    return R2Error(404, 10024, "The specified multipart upload does not exist.")


def invalid_part() -> R2Error:
    return R2Error(400, 10025, "One or more of the specified parts could not be found.")


def too_small() -> R2Error:
    return R2Error(400, 10011, "Your proposed upload is smaller than the minimum allowed object size.")


def unequal_parts() -> R2Error:
    return R2Error(400, 10048, "All non-trailing parts must have the same length.")


def too_large() -> R2Error:
    message = f"Your proposed upload exceeds the maximum allowed object size; here it is {MAX_OBJECT_BYTES} bytes."
    return R2Error(400, 100100, message)


def metadata_too_large() -> R2Error:
    return R2Error(400, 10012, "Your metadata headers exceed the maximum allowed metadata size.")


def invalid_name() -> R2Error:
    return R2Error(400, 10020, "The specified object name is not valid.")


def invalid_argument(message: str) -> R2Error:
    return R2Error(400, 10029, message)


def invalid_range() -> R2Error:
    return R2Error(416, 10039, "The requested range is not satisfiable")


def condition_failed(found: Document | None = None) -> R2Error:
    """`found`: what a read would have read."""
    return R2Error(412, 10031, "At least one of the pre-conditions you specified did not hold.", found)


def bad_digest(algorithm: str, given: str, actual: str) -> R2Error:
    message = (
        f"The {algorithm} checksum you specified did not match what we received.\n"
        f"You provided a {algorithm} checksum with value: {given}\n"
        f"Actual {algorithm} was: {actual}"
    )
    return R2Error(400, 10037, message)
