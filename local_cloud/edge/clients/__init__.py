"""The modules that give an app its bindings: each of `MODULES` exports one function, from a Fetcher to the binding."""

from importlib.resources import files

MODULES = {"d1": "d1.js", "kv_namespace": "kv.js", "r2_bucket": "r2.js"}
"""By the binding's type."""


def sources() -> dict[str, str]:
    """All that an app's isolate needs, by file name: they import each other as `./{name}`."""
    return {
        path.name: path.read_text(encoding="ascii")
        for path in files(__package__).iterdir()
        if path.name.endswith(".js")
    }
