"""YAML with positions: plain data, and the line and column of every key and value.

The language is the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema) with less in it: no anchors,
tags or merge keys, keys are text, and a number with a leading zero stays text, as do `NO`, `on`, `22:00` and `1_000`.
libyaml reads the text when PyYAML was built with it, PyYAML's own slower parser otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner

from assay.config.env import REFERENCE
from assay.errors import Diagnostic, Location

# (line, column, parts, line of the key, column of the key); parts are None, a list, or a dict by key. What has no key,
# such as an item of a list, repeats its own place. Plain tuples, because the cache stores them with `marshal`.
Place: TypeAlias = tuple[Any, ...]
Path: TypeAlias = tuple[str | int, ...]

_DEPTH = 64
_BLOCK = re.compile(r"^(\w+):.*((?:\n(?:[ \t#].*)?)*)", re.MULTILINE)
_INDENTED = re.compile(r"^( +)([\w-]+):", re.MULTILINE)
_NOWHERE: Place = (1, 1, None, 1, 1)
_WORDS = {
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_RADIX = re.compile(r"0o[0-7]{1,99}|0x[0-9a-fA-F]{1,99}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")


class _Python(Reader, Scanner, Parser):
    def __init__(self, stream: bytes) -> None:
        Reader.__init__(self, stream)
        Scanner.__init__(self)
        Parser.__init__(self)


def _parser() -> Callable[[bytes], Any]:
    try:
        from yaml._yaml import CParser
    except ImportError:
        return _Python
    return CParser


PARSER = _parser()


@dataclass(frozen=True, slots=True)
class Document:
    """One file. `data` is None when the file is empty or broken; `references`: some text holds a `${NAME}`.

    `names` are the (top-level key, name) pairs of a broken file, as far as its indentation tells.
    """

    data: Any = None
    place: Place = _NOWHERE
    references: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()
    names: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Places(Mapping[Path, Location]):
    """The place of every value inside `place` (or, with `keys`, of its key), by path such as ("primary", 0)."""

    file: str
    place: Place
    of_keys: bool = False

    def __getitem__(self, path: Path) -> Location:
        place = self.place
        try:
            for part in path:
                place = place[2][part]
        except (IndexError, KeyError, TypeError):
            raise KeyError(path) from None
        return Location(self.file, *(place[3:] if self.of_keys else place[:2]))

    def __iter__(self) -> Iterator[Path]:
        return _paths(self.place)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def nearest(self, path: Path) -> Location:
        """The place at `path`, or of the nearest thing around it."""
        while path and path not in self:
            path = path[:-1]
        return self[path]


def _paths(place: Place, above: Path = ()) -> Iterator[Path]:
    yield above
    parts = place[2]
    for part in range(len(parts)) if isinstance(parts, list) else parts or ():
        yield from _paths(parts[part], (*above, part))


def parse(content: bytes, file: str) -> Document:
    """The only document in `content`; every mistake is a diagnostic (E001 to E004, E104) that points into `file`."""
    document = _parse(content, file)
    return replace(document, data=None, names=_outline(content)) if document.diagnostics else document


def _parse(content: bytes, file: str) -> Document:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return Document(diagnostics=(_not_text(content, error.start, file),))
    builder = _Builder(file)
    try:
        return builder.document(PARSER(content))
    except ReaderError as error:
        return Document(diagnostics=(_not_printable(content, error.position, file),))
    except yaml.MarkedYAMLError as error:
        return Document(diagnostics=(*builder.diagnostics, _syntax(content, error, file)))


def _outline(content: bytes) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for block in _BLOCK.finditer(content.decode("utf-8", "replace")):
        names = _INDENTED.findall(block[2])
        found.update((block[1], name) for indent, name in names if indent == names[0][0])
    return frozenset(found)


def scalar(text: str) -> Any:
    """The value of a plain scalar: None, a bool, an int, a float or the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _RADIX.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text


class _Builder:
    """Turns parser events into data and places; mistakes that leave the text readable are collected."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.diagnostics: list[Diagnostic] = []
        self.references = False
        self.next: Callable[[], Any] = lambda: None

    def document(self, parser: Any) -> Document:
        self.next = parser.get_event
        data, place = None, _NOWHERE
        self.next()  # the start of the stream
        if isinstance(self.next(), DocumentStartEvent):
            data, place = self.node(self.next(), None, 0)
            self.next()
            if not isinstance(last := self.next(), StreamEndEvent):
                self.report("E001", last, *_SECOND_DOCUMENT)
        return Document(data, place, self.references, tuple(self.diagnostics))

    def node(self, event: Any, key: Any, depth: int) -> tuple[Any, Place]:
        start = event.start_mark
        line, column = start.line + 1, start.column + 1
        at = (line, column) if key is None else (key.line + 1, key.column + 1)
        kind = type(event)
        if event.anchor is not None or (kind is not AliasEvent and event.tag is not None):
            self.refuse(event)
        if kind is ScalarEvent:
            return self.text(event), (line, column, None, *at)
        if kind is AliasEvent:
            return None, (line, column, None, *at)
        if depth == _DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=start)
        inside = self.mapping if kind is MappingStartEvent else self.sequence
        data, parts = inside(depth + 1)
        return data, (line, column, parts, *at)

    def text(self, event: Any) -> Any:
        text = event.value
        if "${" in text and REFERENCE.search(text):
            self.references = True
        return scalar(text) if event.implicit[0] else text

    def sequence(self, depth: int) -> tuple[list[Any], list[Place]]:
        data, places = [], []
        while type(event := self.next()) is not SequenceEndEvent:
            value, place = self.node(event, None, depth)
            data.append(value)
            places.append(place)
        return data, places

    def mapping(self, depth: int) -> tuple[dict[str, Any], dict[str, Place]]:
        data: dict[str, Any] = {}
        places: dict[str, Place] = {}
        while type(event := self.next()) is not MappingEndEvent:
            key, _ = self.node(event, None, depth)
            value, place = self.node(self.next(), event.start_mark, depth)
            if type(key) is not str:
                self.refuse_key(event, key)
            elif key == "<<" and event.implicit[0]:
                self.report("E004", event, *_MERGE)
            elif key in data:
                self.repeated(event, key, places[key])
            else:
                data[key], places[key] = value, place
        return data, places

    def refuse(self, event: Any) -> None:
        if isinstance(event, AliasEvent):
            self.report("E004", event, f"'*{event.anchor}' repeats another part of the file.", *_ANCHOR)
        elif event.anchor is not None:
            self.report("E004", event, f"'&{event.anchor}' is a YAML anchor.", *_ANCHOR)
        else:
            self.report("E004", event, f"'{event.tag}' is a YAML tag.", *_TAG)

    def refuse_key(self, event: Any, key: Any) -> None:
        if not isinstance(event, ScalarEvent):
            self.report("E104", event, "A list or a mapping stands where a name is expected.", *_COMPLEX_KEY)
            return
        what = f"The key '{event.value}' is not text."
        why = f"It reads as {kind_of(key)}; keys are names of things or of fields."
        self.report("E104", event, what, why, f'Put it in quotes: "{event.value}".')

    def repeated(self, event: Any, key: str, first: Place) -> None:
        what = f"'{key}' stands twice here: first in line {first[3]}, column {first[4]}."
        self.report("E002", event, what, "One of the two would silently win.", "Rename or delete one of them.")

    def report(self, code: str, event: Any, message: str, why: str, fix: str) -> None:
        place = Location(self.file, event.start_mark.line + 1, event.start_mark.column + 1)
        self.diagnostics.append(Diagnostic(code, message, why, fix, place))


def kind_of(value: Any) -> str:
    """What a person calls the type of a YAML value."""
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), "empty")


_SECOND_DOCUMENT = (
    "A second document begins in this file.",
    "Definitions are merged by name, not by their place in a file.",
    "Delete the line '---', or move what follows to a file of its own.",
)
_ANCHOR = (
    "Each definition must be readable where it stands; metrics reuse each other by name instead.",
    "Write the value out, or refer to another definition by its name.",
)
_MERGE = (
    "'<<' merges another mapping into this one.",
    "Each definition must be readable where it stands, and YAML 1.2 has no merge key.",
    "Write the fields out.",
)
_TAG = (
    "Types follow from the field, so that a file means the same to every reader.",
    "Delete it, and put the value in quotes if it begins with '!'.",
)
_COMPLEX_KEY = (
    "Keys are names of things or of fields; text that begins with '{' or '[' is read as a mapping or a list.",
    "Put text that begins with '{' or '[' in quotes.",
)


def _not_text(content: bytes, offset: int, file: str) -> Diagnostic:
    return Diagnostic(
        "E003",
        f"Byte 0x{content[offset]:02x} is not UTF-8 text.",
        "Files are read as UTF-8 on every machine, whatever its language settings are.",
        "Save the file with the encoding UTF-8.",
        _place(content[:offset].decode("utf-8"), file),
    )


def _not_printable(content: bytes, offset: int, file: str) -> Diagnostic:
    # libyaml counts bytes and the Python reader characters, so the first refused character is found again here.
    text = content.decode("utf-8")
    found = Reader.NON_PRINTABLE.search(text)
    at = found.start() if found else offset
    return Diagnostic(
        "E001",
        f"The character U+{ord(text[at]):04X} cannot stand in YAML." if at < len(text) else "The file is not YAML.",
        "Control characters are invisible and usually come from copying.",
        "Delete the character.",
        _place(text[:at], file),
    )


def _place(before: str, file: str) -> Location:
    return Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


# What usually stands at the place where a YAML parser stops, and what to do about it.
_SUSPECTS: tuple[tuple[str, str, str], ...] = (
    ("\t", "A tab is used for indentation.", "Indent with spaces."),
    ("%@`", "Text cannot begin with '{}'.", "Put the text in quotes."),
)


def _syntax(content: bytes, error: yaml.MarkedYAMLError, file: str) -> Diagnostic:
    lines = content.decode("utf-8-sig").split("\n")
    at, opened = error.problem_mark, error.context_mark
    assert at is not None, "every complaint of the parser has a place"
    character = lines[at.line][at.column : at.column + 1] if at.line < len(lines) else ""
    message, fix = f"The file is not YAML: {error.problem}.", _advice(str(error.problem))
    for characters, problem, remedy in _SUSPECTS:
        if character and character in characters:
            message, fix = problem.format(character), remedy
    if opened and "','" in message:
        message = (
            f"The bracket in line {opened.line + 1}, column {opened.column + 1} is not closed, or a comma is missing."
        )
    if opened and not character and at.line >= len(lines) - 1:
        at, message, fix = opened, "The file ends before this is closed.", "Close the bracket or the quote."
    why = "Nothing in a file can be trusted until all of it can be read."
    return Diagnostic("E001", message, why, fix, Location(file, at.line + 1, at.column + 1))


def _advice(problem: str) -> str:
    if "mapping values" in problem:
        return "Put text that contains ': ' in quotes, or correct the indentation."
    return "Check the indentation, the brackets and the quotes here and in the line above."
