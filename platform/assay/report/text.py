"""Tables, CSV and sparklines as plain text."""

from __future__ import annotations

import csv as _csv
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from types import SimpleNamespace

from assay.report.format import MISSING, present, show

_BLOCKS = "▁▂▃▄▅▆▇█"
_WIDEST = 1_000  # characters of a cell
_FORMULA = re.compile(r"[=+@\t\r-](?![\d.]*$)")  # https://owasp.org/www-community/attacks/CSV_Injection
_NUMERIC = re.compile(r"[+−-]?[\d,.]+(e[+−-]?\d+)?( ?(%|[KMB]|s|min))?")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An aligned table for terminals: a header, a rule and one line per row; columns of numbers stand right.

    Raises ValueError if a row is not as long as the header.
    """
    cells = [[_clean(cell) for cell in row] for row in rows]
    body = list(zip(*cells, strict=True)) if cells else [() for _ in columns]
    right = [bool(column) and all(_is_number(cell) for cell in column) for column in body]
    widths = [max(map(_width, (head, *column))) for head, column in zip(columns, body, strict=True)]
    lines = [columns, ["─" * width for width in widths], *cells]
    return "".join(_line(line, widths, right) + "\n" for line in lines)


def csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """RFC 4180 with line feeds; missing values and NaN are empty, dates ISO 8601, numbers in full precision.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    lines: list[str] = []
    writer = _csv.writer(SimpleNamespace(write=lines.append))  # with its own line ends, or it leaves a lone CR unquoted
    writer.writerow(columns)
    writer.writerows([_raw(cell) for cell in row] for row in rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def sparkline(values: Sequence[float | None]) -> str:
    """One block character per value, scaled from the lowest to the highest; a missing value is a gap."""
    known = [value for value in values if present(value)]
    if not known:
        return " " * len(values)
    low, high = min(known), max(known)
    return "".join(_block(value, low, high) for value in values)


def _block(value: float | None, low: float, high: float) -> str:
    if not present(value):
        return " "
    return _BLOCKS[3] if high == low else _BLOCKS[round((value - low) / (high - low) * (len(_BLOCKS) - 1))]


def _clean(cell: object) -> str:
    if cell is None:
        return MISSING
    if isinstance(cell, float):
        return show(cell)
    return one_line(str(cell))


def one_line(text: str) -> str:
    """A value from the data that neither breaks the line, nor steers the terminal, nor is very long."""
    text = text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
    return "".join(each if each.isprintable() else " " for each in text)


def _raw(cell: object) -> object:
    if isinstance(cell, float) and not present(cell):
        return None
    if isinstance(cell, str) and _FORMULA.match(cell):
        return f"'{cell}"
    return cell.isoformat() if isinstance(cell, date) else cell


def _is_number(cell: str) -> bool:
    return cell == MISSING or _NUMERIC.fullmatch(cell) is not None


def _width(text: str) -> int:
    return sum(_columns(each) for each in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (_pad(*each) for each in zip(cells, widths, right, strict=True))
    return "  ".join(padded).rstrip()


def _pad(cell: str, width: int, right: bool) -> str:
    space = " " * (width - _width(cell))
    return space + cell if right else cell + space
