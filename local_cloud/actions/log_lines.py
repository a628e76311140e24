"""Lines of a job's log, in GitHub's form: each begins with the time."""

from datetime import UTC, datetime


def stamped(text: str) -> str:
    """The lines of `text`, each with the time now and an end."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    return "".join(f"{at} {line}\n" for line in text.split("\n"))
