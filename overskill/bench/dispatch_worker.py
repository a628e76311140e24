"""The Workers that the benchmark of the dispatch Worker runs, and what they are bound to, in both its arrangements."""

from pathlib import Path
from typing import Any

from infra.names import APP_ENVIRONMENTS
from overskill.bench.load import Target

WORKERS = Path(__file__).parent / "workers"
COMPATIBILITY_DATE = "2026-10-01"
"""Of the platform's Workers. `infra` has it where an import takes seconds; a test holds the two equal."""
DOMAIN = "overskill.localhost"
NAMESPACES = {environment: f"NAMESPACE_{environment.upper()}" for environment in APP_ENVIRONMENTS}
"""The binding to each app environment's namespace."""

_PLANS = {"free": {"cpuMs": 50, "subRequests": 50}}


def modules(source: Path) -> list[Path]:
    """Every module of a Worker, `index.js`, the main one, first."""
    return sorted(source.glob("*.js"), key=lambda path: (path.name != "index.js", path.name))


def values() -> dict[str, Any]:
    """The JSON values that the dispatch Worker is bound to, in the shapes of `infra/dispatcher.py`."""
    settings = {
        "domain": DOMAIN,
        "pathHost": "overskill-dispatch.overskill.workers.localhost",
        "redirectPaths": False,
        "cacheSeconds": 5,
        "plans": _PLANS,
        "defaultPlan": "free",
        "parentCookies": "keep",
        "protectedEnvironments": [],
        "loginUrl": None,
    }
    return {"SETTINGS": settings}


def app_names(count: int) -> list[str]:
    return [f"bench{number}" for number in range(count)]


def target(name: str, port: int, host: str = "") -> Target:
    """What to ask for an app: the path names it, whatever the host, and the app answers its name."""
    return Target(url=f"http://127.0.0.1:{port}/{name}", host=host or f"{name}.{DOMAIN}", answer=name)
