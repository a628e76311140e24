"""HTML in which every text is escaped, unless it is `Html` already."""

from html import escape
from pathlib import Path
from string import Template


class Html(str):
    """Markup, which goes into other markup as it is."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Html:
    """`<tag>` around the children. `class_` is `class`, `data_x` is `data-x`; an attribute that is None is left out."""
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{shown}>{joined(*children)}</{tag}>")


def joined(*children: object) -> Html:
    return Html("".join(child if isinstance(child, Html) else escape(str(child)) for child in children))


def asset(name: str) -> str:
    """A file of this folder."""
    return (Path(__file__).parent / name).read_text()


def filled(name: str, **parts: object) -> Html:
    """A file of this folder that is a template, with these parts."""
    return Html(Template(asset(name)).substitute({part: joined(content) for part, content in parts.items()}))
