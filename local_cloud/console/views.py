"""The page's parts: what `sections.py` knows as tables, the last requests, the snapshots."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from local_cloud.console.markup import Html, element, joined
from local_cloud.console.sections import SECTIONS, Mark, Row, Section
from local_cloud.exchanges import Exchange
from local_cloud.snapshots import Snapshot
from local_cloud.store import Reader

FEW = 8
"""Rows of a section among the others."""

PAGE = 100
"""Rows of a section by itself."""

REQUESTS = "requests"


def conditions(shown: Mapping[str, Any]) -> Html:
    """The profile that calls meet, with what was set beside its name."""
    told = [f"profile {shown['name']}, seed {shown['seed']}"]
    if planned := len(shown["calls"]) + len(shown["deliveries"]):
        told.append(f"faults planned: {planned}")
    tone = "quiet" if shown["name"] == "instant" and not planned else "bad"
    return element("p", _mark(Mark(text=", ".join(told), tone=tone)))


def tiles(store: Reader, here: Section | None) -> Html:
    """How much there is of everything, each a link to its section."""
    links = [_tile(section, sum(1 for _ in section.rows(store)), section is here) for section in SECTIONS.values()]
    return element("nav", *links, class_="tiles")


def overview(store: Reader, exchanges: Sequence[Exchange]) -> Html:
    """The last requests, then the first rows of each section that has any."""
    tables = [_some(section, list(islice(section.rows(store), FEW + 1))) for section in SECTIONS.values()]
    return joined(requests(exchanges), *tables)


def part(store: Reader, section: Section, find: str, page: int) -> Html:
    """One page of the rows of a section that have `find` in them, in capitals or not."""
    wanted = find.casefold()
    found = [row for row in section.rows(store) if any(wanted in str(cell).casefold() for cell in row)]
    pages = max(1, -(-len(found) // PAGE))
    number = min(max(page, 1), pages)
    hidden = Html(f'<input type="hidden" name="section" value="{section.name}">')
    box = element("input", type="search", name="find", value=find, placeholder="Find", aria_label="Find")
    links = [
        element("a", text, href=_address(section, find=find, page=target), rel=relation)
        for text, target, relation in (("← Back", number - 1, "prev"), ("More →", number + 1, "next"))
        if 1 <= target <= pages
    ]
    count = element("p", f"{len(found):,} of them, page {number} of {pages}", class_="quiet")
    return element(
        "section",
        element("header", element("h2", section.title), element("form", hidden, box, role="search")),
        _table(section, found[(number - 1) * PAGE : number * PAGE]) if found else _empty("Nothing has that in it."),
        element("footer", count, *links),
    )


def requests(exchanges: Sequence[Exchange]) -> Html:
    """`script.js` puts new ones before these."""
    only = element("label", Html('<input type="checkbox" id="failed">'), " only errors")
    live = element("span", "live", id="live", class_="live")
    rows = element("tbody", *map(request, exchanges), id="rows")
    heads = [element("th", head) for head in ("Call", "Status", "Time", "At")]
    return element(
        "section",
        element("header", element("h2", "Last requests ", live), only),
        element("table", element("thead", element("tr", *heads)), rows),
        id=REQUESTS,
    )


def request(exchange: Exchange) -> Html:
    """A row: the call, which opens to show its answer."""
    status = "no answer" if exchange.status is None else str(exchange.status)
    failed = exchange.status is None or exchange.status >= 400
    path = element("span", exchange.path, class_="path")
    problem = [element("span", exchange.problem, class_="problem")] if exchange.problem else []
    line = element("summary", element("b", exchange.method), " ", path, *problem)
    answer = exchange.answer
    text = answer if isinstance(answer, str) else json.dumps(answer, indent=2, ensure_ascii=False)
    kind = "The answer" if failed else "The answer's outline"
    details = element("details", line, element("pre", text or "(empty)", aria_label=kind))
    return element(
        "tr",
        element("td", details, data_label="Call"),
        element("td", _mark(Mark(text=status, tone="bad" if failed else "good")), data_label="Status"),
        element("td", f"{exchange.milliseconds:g} ms", data_label="Time"),
        element("td", f"{exchange.at[11:19]} {exchange.service}", data_label="At"),
        data_number=exchange.number,
        class_="failed" if failed else "passed",
    )


def snapshots(taken: Iterable[Snapshot]) -> Html:
    """Each with the buttons that put it back and delete it."""
    items = [
        element(
            "li",
            element("span", element("b", each.name), " ", element("small", f"{each.taken_at:%Y-%m-%d %H:%M:%S}")),
            _button(
                "Restore", "POST", f"{each.name}/restore", f"Everything becomes as it was in snapshot {each.name}."
            ),
            _button("Delete", "DELETE", each.name, f"Snapshot {each.name} is deleted."),
        )
        for each in taken
    ]
    return element("ul", *items) if items else _empty("No snapshot yet.")


def _button(text: str, method: str, path: str, question: str) -> Html:
    return element("button", text, type="button", data_method=method, data_path=f"snapshots/{path}", data_ask=question)


def _tile(section: Section, count: int, here: bool) -> Html:
    alarm = "tile alarm" if section.name == "unknown-routes" and count else "tile"
    number = element("b", f"{count:,}")
    return element(
        "a", number, " ", section.title, href=_address(section), class_=alarm, aria_current="page" if here else None
    )


def _some(section: Section, rows: Sequence[Row]) -> Html:
    if not rows:
        return Html()
    more = [element("a", "All of them →", href=_address(section))] if len(rows) > FEW else []
    header = element("header", element("h2", section.title), *more)
    return element("section", header, _table(section, rows[:FEW]), id=section.name)


def _table(section: Section, rows: Iterable[Row]) -> Html:
    heads = element("tr", *(element("th", column) for column in section.columns))
    body = [
        element(
            "tr",
            *(element("td", _cell(cell), data_label=name) for name, cell in zip(section.columns, row, strict=True)),
        )
        for row in rows
    ]
    return element("table", element("thead", heads), element("tbody", *body))


def _cell(cell: str | int | float | Mark) -> Html:
    if isinstance(cell, Mark):
        return _mark(cell)
    return joined(cell if isinstance(cell, str) else f"{cell:,}")


def _mark(mark: Mark) -> Html:
    return element("span", mark.text, class_=f"mark {mark.tone}")


def _empty(text: str) -> Html:
    return element("p", text, class_="quiet")


def _address(section: Section, **more: object) -> str:
    sent = {name: value for name, value in more.items() if value}
    return "/?" + urlencode({"section": section.name, **sent})
