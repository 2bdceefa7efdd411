"""Definitions as the YAML that a person would write: a line each where it fits, and the reason beside it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.config.yaml import scalar

WIDTH = 120
_STEP = 2
# What may stand without quotes, also between brackets: no comma, bracket or colon, no comment, no sign of YAML's own.
_PLAIN = re.compile(r"[\w/(.%=<>+*-][\w/(). %'=<>+*|-]*(?<! )")
_SIGNS = re.compile(r"[-?:](\s|$)|---|%|\*|=$|<<|>")


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with the reason for it, which becomes a comment."""

    value: Any
    why: str


def document(sections: Mapping[str, Mapping[str, Any]], heading: str = "") -> str:
    """The text of a file: definitions by kind and name, with `Noted` values wherever a comment shall stand.

    `heading` is a line at the top, such as the schema's.
    """
    lines = [heading] if heading else []
    for kind, names in sections.items():
        lines.append(f"{kind}:")
        for name, body in names.items():
            lines += entry(name, body)
    return "\n".join(lines) + "\n"


def entry(name: str, body: Any, indent: int = _STEP) -> list[str]:
    """The lines of one key and its value: one line where it fits and holds no comment inside, else a block."""
    value, why = (body.value, body.why) if isinstance(body, Noted) else (body, "")
    start, line = (
        " " * indent,
        f"{' ' * indent}{_scalar(name)}: {flow(value) if not _has_notes(value) else ''}".rstrip(),
    )
    short = not _has_notes(value) and len(line) <= WIDTH
    if short or not (isinstance(value, Mapping | list | tuple) and value):
        return _commented(line, why, indent)
    inside = _items(value, indent + _STEP) if not isinstance(value, Mapping) else _fields(value, indent + _STEP)
    return [*_commented(f"{start}{_scalar(name)}:", why, indent), *inside]


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(name)}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(flow, value)) + "]"
    return _scalar(value)


def comment(text: str, indent: int = 0) -> list[str]:
    """A comment as lines of its own."""
    width = max(WIDTH - indent - 2, 40)
    return [f"{' ' * indent}# {line}" for line in textwrap.wrap(_printable(text), width)]


def _fields(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    for name, each in value.items():
        yield from entry(name, each, indent)


def _items(value: Sequence[Any], indent: int) -> Iterator[str]:
    for each in value:
        line = f"{' ' * indent}- {flow(each)}"
        if len(line) <= WIDTH or not (isinstance(each, Mapping) and each):
            yield line
        else:
            first, *rest = _fields(each, indent + _STEP)
            yield from (f"{' ' * indent}- {first.lstrip()}", *rest)


def _has_notes(value: Any) -> bool:
    return isinstance(value, Noted) or (isinstance(value, Mapping) and any(map(_has_notes, value.values())))


def _commented(line: str, why: str, indent: int) -> list[str]:
    if not why:
        return [line]
    beside = f"{line}  # {_printable(why)}"
    return [beside] if len(beside) <= WIDTH else [*comment(why, indent), line]


def _printable(text: str) -> str:
    """On one line and without characters that YAML refuses even in comments."""
    return "".join(each if each.isprintable() else " " for each in text)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, str):
        return str(value)
    plain = _PLAIN.fullmatch(value) and not _SIGNS.match(value) and scalar(value) == value
    return value if plain else '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if character.isprintable() else f"\\U{ord(character):08x}"
