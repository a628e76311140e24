"""The tables of emulated calls in `docs/local-cloud.md`, made of the local cloud's own tables of routes.

Run as a program, it writes them into the page.
"""

import re
from itertools import takewhile
from pathlib import Path

from local_cloud import cloudflare, github
from local_cloud.routing import Route, RouteTable

PAGE = Path(__file__).parents[2] / "docs" / "local-cloud.md"
TABLES = {"Cloudflare": cloudflare.TABLE, "GitHub": github.TABLE}


def rendered(table: RouteTable) -> str:
    """A line a resource, which is a module: what its paths have in common, and the calls below that."""
    resources: dict[str, list[Route]] = {}
    for route in table:
        resources.setdefault(route.handler.__module__.rpartition(".")[2], []).append(route)
    lines = [_line(name, routes) for name, routes in sorted(resources.items())]
    return "\n".join(["| resource | below | calls |", "|---|---|---|", *lines])


def written(page: str) -> str:
    """The page with its tables as they should be: each stands between two comments that name its service."""
    for service, table in TABLES.items():
        begin, end = f"<!-- calls of {service} -->\n", f"<!-- end of {service} -->"
        new = f"{begin}{rendered(table)}\n{end}"
        page, replaced = re.subn(re.escape(begin) + ".*?" + re.escape(end), lambda _, new=new: new, page, flags=re.S)
        assert replaced == 1, f"{PAGE} has no place for the calls of {service}"
    return page


def _line(name: str, routes: list[Route]) -> str:
    paths = [route.template.strip("/").split("/") for route in routes]
    common = [segments[0] for segments in takewhile(lambda found: len(set(found)) == 1, zip(*paths, strict=False))]
    start = "".join(f"/{segment}" for segment in common)
    methods: dict[str, list[str]] = {}
    for route in routes:
        methods.setdefault(route.template.removeprefix(start), []).append(route.method)
    calls = [" ".join([*([f"`{rest}`"] if rest else []), *sorted(methods[rest])]) for rest in sorted(methods)]
    return f"| {name.replace('_', ' ')} | `{start or '/'}` | {', '.join(calls)} |"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
