"""What a browser would make of a page: its elements and attributes, without the texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

# An address may lead to a page beside this one, or to a service that a template names; never into a script.
_ADDRESSES = {"href", "src", "action", "xlink:href", "srcdoc", "formaction"}


class _Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *sorted(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in _ADDRESSES]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def unknown_decl(self, data: str) -> None:
        self.elements.append(("declaration", data))

    def handle_pi(self, data: str) -> None:
        self.elements.append(("instruction", data))


def shape(page: str) -> list[tuple[str, ...]]:
    """Every element with the names of its attributes, in order. Raises AssertionError for an address that runs."""
    found = _Shape()
    found.feed(page)
    found.close()
    assert not [each for each in found.addresses if re.match(r"\s*(javascript|data|vbscript):", each, re.IGNORECASE)]
    return found.elements


def text(page: str) -> str:
    """What a reader sees."""
    found = _Shape()
    found.feed(page)
    found.close()
    return "".join(found.texts)


def shapes(files: Mapping[str, str], free: str) -> dict[str, object]:
    """The shape of every page of a site, and of the HTML in its scripts, which must be one call with JSON.

    `free` is the text of others, which scripts may hold as a value.
    """
    found: dict[str, object] = {name: shape(page) for name, page in files.items() if name.endswith(".html")}
    for name, script in files.items():
        if name.startswith("data/") and name.endswith(".js"):
            call = re.fullmatch(r"\w+\((.*)\);\n", script, re.DOTALL)
            assert call, f"{name} is not one call"
            found[name] = [shape(each) for each in _strings(json.loads(call[1])) if each != free]
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
