"""Diagnostics as text for people, editors, programs and GitHub. Nothing is read or printed here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

from assay.config.root import content
from assay.errors import Diagnostic, shown

# The text of a file by its path from the root, or None when it cannot be had.
Source: TypeAlias = Callable[[str], str | None]
_WIDEST = 400  # characters of a line that is shown


def from_files(root: Path) -> Source:
    """Sources as they are below `root`."""

    def read(path: str) -> str | None:
        try:
            return content(root, path).decode("utf-8-sig", errors="replace")
        except OSError:
            return None

    return read


def no_source(_path: str) -> None:
    """For diagnostics without excerpts."""


def text(diagnostics: Iterable[Diagnostic], source: Source = no_source) -> str:
    """Four parts each, file by file, with the line that is meant and a caret below it; empty if there is none."""
    found = list(diagnostics)
    blocks: list[str] = []
    for path, group in groupby(found, _path):
        lines = ((source(path) if path else None) or "").split("\n")
        blocks.extend(_block(each, lines) for each in group)
    return "\n".join([*blocks, summary(found)]) + "\n" if found else ""


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`2 errors and 1 warning in 2 files`."""
    errors = sum(each.severity == "error" for each in diagnostics)
    counts = [_count(errors, "error"), _count(len(diagnostics) - errors, "warning")]
    said = " and ".join(each for each in counts if not each.startswith("0 ")) or "no errors"
    files = len({_path(each) for each in diagnostics} - {""})
    return f"{said} in {_count(files, 'file')}" if files else said


def short(diagnostics: Iterable[Diagnostic]) -> str:
    """`path:line:column: code message`, a line each, as editors parse it."""
    return "".join(f"{each.location or '-'}: {each.code} {_one_line(each.message)}\n" for each in diagnostics)


def as_json(diagnostics: Iterable[Diagnostic], definitions: int) -> str:
    """The object of `validate`: schema, ok, definitions, errors and warnings."""
    found = list(diagnostics)
    split = {level: [each.as_dict() for each in found if each.severity == level] for level in ("error", "warning")}
    answer = {
        "schema": 1,
        "ok": not split["error"],
        "definitions": definitions,
        "errors": split["error"],
        "warnings": split["warning"],
    }
    return json.dumps(answer, ensure_ascii=False, indent=2) + "\n"


def github(diagnostics: Iterable[Diagnostic], prefix: str = "") -> str:
    """Workflow commands that annotate a pull request; `prefix` leads from the repository to the project: `shop/`.

    Escapes as in https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts.
    """
    return "".join(_annotation(each, prefix) for each in diagnostics)


def _block(each: Diagnostic, lines: Sequence[str]) -> str:
    where = f"{each.location}: " if each.location else ""
    level = "" if each.severity == "error" else f"{each.severity}: "
    parts = [f"{where}{each.code} {level}{each.message}", *_excerpt(each, lines)]
    return "\n".join([*parts, f"  why: {each.why}", f"  fix: {each.fix}", ""])


def _excerpt(each: Diagnostic, lines: Sequence[str]) -> list[str]:
    if each.location is None or each.location.line > len(lines) or not "".join(lines):
        return []
    line, number = lines[each.location.line - 1].rstrip("\r"), str(each.location.line)
    column = each.location.column - 1
    start = column - _WIDEST // 2 if len(line) > _WIDEST and column > _WIDEST // 2 else 0
    line = shown(line[start : start + _WIDEST])
    before = line[: column - start].ljust(column - start)
    indent = "".join("\t" if character == "\t" else " " for character in before)
    return [f"  {number} | {line}", f"  {' ' * len(number)} | {indent}^"]


def _annotation(each: Diagnostic, prefix: str) -> str:
    place = each.location
    where = {"file": prefix + place.path, "line": place.line, "col": place.column} if place else {}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in {**where, "title": each.code}.items())
    message = f"{each.message}\nwhy: {each.why}\nfix: {each.fix}"
    return f"::{each.severity} {properties}::{_data(message)}\n"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def _one_line(value: str) -> str:
    return " ".join(value.split())


def _path(each: Diagnostic) -> str:
    return each.location.path if each.location else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
