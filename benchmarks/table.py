"""README.md from the results: `python -m benchmarks.table`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.measure import RESULTS

_HEAD = """# Benchmarks

Assay beside a named peer on the same machine, in turns. Each benchmark first checks that the answers are right, and
only then measures. Figures are CPU seconds (user and system, with child processes): the median, and the lowest and
highest of the runs. Only ratios travel to other machines. No test depends on a timing.

`make bench` measures again and writes this page. The peers are installed into `target/benchmarks/`.

## Every claim
What each was measured with, in seconds, stands below.

"""
_CLAIMS = ("of", "benchmark", "peer", "ratio", "target", "met", "machine", "day")
_COLUMNS = ("benchmark", "Assay, s", "peer", "peer, s", "runs", "ratio", "target", "met")
_MET = {True: "yes", False: "**no**", None: "–"}


def page(results: list[dict[str, Any]]) -> str:
    """The whole page: all claims in one table, then what each benchmark measured."""
    claims = (_claim(result, row) for result in results for row in result["rows"] if row["met"] is not None)
    table = "\n".join([*_head(_CLAIMS, "|---|---|---|--:|--:|---|---|---|"), *claims])
    return f"{_HEAD}{table}\n" + "".join("\n" + "\n".join(_section(each)) + "\n" for each in results)


def _head(columns: Sequence[str], lines: str) -> list[str]:
    return [_cells(*columns), lines]


def _cells(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def _claim(result: dict[str, Any], row: dict[str, Any]) -> str:
    machine = f"{result['machine']['cpu']}, {result['machine']['cores']} cores"
    met = _MET[row["met"]]
    return _cells(
        result["title"], row["name"], row["peer_name"], _times(row), row["target"], met, machine, result["date"]
    )


def _times(row: dict[str, Any]) -> str:
    return f"{_number(row['ratio'])}×"


def _number(value: float) -> str:
    """Three digits, none of them an exponent's."""
    return f"{float(format(value, '.3g')):,.10g}"


def _section(result: dict[str, Any]) -> Iterator[str]:
    yield f"## {result['title']}"
    yield from _head(_COLUMNS, "|---|--:|---|--:|--:|--:|--:|---|")
    yield from (_line(row) for row in result["rows"])
    yield ""
    yield from (f"- {note}" for note in result["notes"].values())
    machine = result["machine"]
    yield (
        f"- {machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    )


def _line(row: dict[str, Any]) -> str:
    return _cells(
        row["name"], _seconds(row["ours"]), row["peer_name"], _seconds(row["peer"]), row["ours"]["runs"],
        _times(row), row["target"], _MET[row["met"]],
    )  # fmt: skip


def _seconds(timing: dict[str, Any]) -> str:
    median, low, high = (_number(timing[name]) for name in ("median", "low", "high"))
    return f"{median} ({low}–{high})"


def main() -> None:
    results = [json.loads(file.read_text("utf-8")) for file in sorted(RESULTS.glob("*.json"))]
    RESULTS.with_name("README.md").write_text(page(results), "utf-8")


if __name__ == "__main__":
    main()
