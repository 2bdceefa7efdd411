"""README.md from the results: `python -m benchmarks.table`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from benchmarks.measure import RESULTS

_HEAD = """# Benchmarks

Assay beside a named peer on the same machine, in turns. Each benchmark first checks that the answers are right, and
only then measures. Figures are CPU seconds (user and system, with child processes): the median, and the lowest and
highest of the runs. Only ratios travel to other machines. No test depends on a timing.

`make bench` measures again and writes this page. The peers are installed into `target/benchmarks/`.
"""
_COLUMNS = ("benchmark", "Assay, s", "peer", "peer, s", "runs", "ratio", "target", "met")
_MET = {True: "yes", False: "**no**", None: "–"}


def page(results: list[dict[str, Any]]) -> str:
    """The whole page."""
    return _HEAD + "".join("\n" + "\n".join(_section(each)) + "\n" for each in results)


def _section(result: dict[str, Any]) -> Iterator[str]:
    yield f"## {result['title']}"
    yield "| " + " | ".join(_COLUMNS) + " |"
    yield "|---|--:|---|--:|--:|--:|--:|---|"
    yield from (_line(row) for row in result["rows"])
    yield ""
    yield from (f"- {note}" for note in result["notes"].values())
    machine = result["machine"]
    yield (
        f"- {machine['cpu']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}; "
        + ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    )


def _line(row: dict[str, Any]) -> str:
    cells = (
        row["name"], _seconds(row["ours"]), row["peer_name"], _seconds(row["peer"]), row["ours"]["runs"],
        f"{row['ratio']:.3g}×", row["target"], _MET[row["met"]],
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _seconds(timing: dict[str, Any]) -> str:
    return f"{timing['median']:.3g} ({timing['low']:.3g}–{timing['high']:.3g})"


def main() -> None:
    results = [json.loads(file.read_text("utf-8")) for file in sorted(RESULTS.glob("*.json"))]
    RESULTS.with_name("README.md").write_text(page(results), "utf-8")


if __name__ == "__main__":
    main()
