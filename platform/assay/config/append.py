"""One more definition in a YAML file, without touching what stands there: comments, order and spacing stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from assay.config.scaffold import entry, flow
from assay.config.yaml import parse
from assay.errors import UsageError

_BEHIND = re.compile(r"[ \t]*(#.*)?\r?\n?")  # what is left of a line after its last value
_LOOSE = re.compile(r"(?:^(?:[ \t]*|#.*)\r?\n?)+\Z", re.MULTILINE)  # blank lines and comments at the left edge


def added(text: str, kind: str, name: str, body: Mapping[str, Any]) -> str:
    """`text` with the definition at the end of its section; the section is added where it is missing.

    `text` is YAML that loads. Raises UsageError E601 when the file is written so that nothing can safely be appended.
    """
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    section = next((value for key, value in root.value if key.value == kind), None) if root else None
    if root is None or (section is None and not root.flow_style):
        found = _block(text, _end(text, root), [f"{kind}:", *entry(name, body)])
    elif section is None:
        found = _inside(text, root, f"{kind}: {flow({name: body})}")
    elif isinstance(section, yaml.ScalarNode):
        found = _filled(text, section, root, name, body)
    elif section.flow_style:
        found = _inside(text, section, flow({name: body})[1:-1])
    else:
        indent = section.value[0][0].start_mark.column
        found = _block(text, _loose(text, section.end_mark.index), entry(name, body, indent))
    _compare(text, found, kind, name, body)
    return found


def _end(text: str, root: Any) -> int:
    """The end of the file, or where `...` ends the document."""
    at: int = root.end_mark.index if root else len(text)
    return at if text.startswith("...", at) else len(text)


def _loose(text: str, at: int) -> int:
    """Before the blank lines and comments that lead to what comes next."""
    found = _LOOSE.search(text[:at])
    return found.start() if found else at


def _block(text: str, at: int, lines: list[str]) -> str:
    """Lines of their own, with the line ends of the file."""
    end = "\r\n" if "\r\n" in text else "\n"
    before = text[:at] if text[:at].endswith("\n") or not text[:at].strip("\ufeff") else text[:at] + end
    return before + "".join(line + end for line in lines) + text[at:]


def _filled(text: str, section: Any, root: Any, name: str, body: Mapping[str, Any]) -> str:
    """In place of nothing: `metrics:` or `metrics: null`."""
    start, stop = section.start_mark.index, section.end_mark.index
    if root.flow_style:
        return f"{text[:start]} {flow({name: body})}{text[stop:]}"
    text = text[:start] + text[stop:]
    line = _BEHIND.match(text, start)
    return _block(text, line.end() if line else start, entry(name, body))


def _inside(text: str, node: Any, more: str) -> str:
    """Between the brackets of a flow mapping, behind its last value."""
    if not node.value:
        at = node.start_mark.index + 1
        return text[:at] + more + text[at:]
    at = node.value[-1][1].end_mark.index
    return f"{text[:at]}, {more}{text[at:]}"


def _compare(before: str, after: str, kind: str, name: str, body: Mapping[str, Any]) -> None:
    """The file must say what it said, and the definition; anything else is a way of writing that we do not know."""
    old, new = parse(before.encode(), kind), parse(after.encode(), kind)
    was = old.data or {}
    wanted = {**was, kind: {**(was.get(kind) or {}), name: body}}
    if new.diagnostics or new.data != wanted:
        raise UsageError.of(
            "E601",
            f"'{name}' cannot be appended to this file without changing what else it says.",
            why="Nothing that stands there is touched.",
            fix=f"Name another file with --file, or add it by hand below '{kind}:': {flow({name: body})[1:-1]}",
        )
