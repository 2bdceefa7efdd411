"""`platform site build` over 25, 250 and 1,000 metrics with few events behind them, and a daily report end to end."""

from __future__ import annotations

import json
import shutil
import sys
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

import yaml

from assay.report.format import show
from benchmarks.measure import WORK, Row, Timing, gate, process, repeat, save

PLATFORM = Path(sys.executable).with_name("platform")
SIZES, DAYS, RUNS = (25, 250, 1_000), 90, 3
LIMITS = {25: None, 250: None, 1_000: 60.0}  # CPU seconds
LAST = date(2025, 3, 31)
_FIRST = LAST - timedelta(days=DAYS - 1)
_PER_SOURCE = 200  # metrics
_CITIES = ("Amsterdam", "Berlin", "Copenhagen", "Dublin", "Edinburgh")
# 200 events a day, each hour alike.
_FILL = f"""from assay.engine import connect, parse_dsn
from assay.statement import Statement
with connect(parse_dsn("chdb://target/warehouse")) as engine:
    for sql in (
        "CREATE TABLE default.events (time DateTime('UTC'), user_id UInt32, kind UInt16, city String) "
        "ENGINE = MergeTree ORDER BY time",
        "INSERT INTO default.events SELECT toDateTime('{_FIRST} 00:00:00', 'UTC') + number * 432, number % 5000, "
        "number % 97, {list(_CITIES)}[number % 5 + 1] FROM numbers({DAYS * 200})",
    ):
        engine.run(Statement(sql, "fill", writes=True))
"""


def write(root: Path, count: int) -> None:
    """A project of `count` metrics, every fifth a ratio; two tabs of twelve of them, and a report."""
    root.mkdir(parents=True)
    settings = {"name": "Benchmark", "warehouse": {"dsn": "chdb://target/warehouse"}, "target": "target"}
    root.joinpath("project.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    root.joinpath("metrics").mkdir()
    names = [f"m_{number}" for number in range(count)]
    body = {
        "sources": {f"events_{number}": deepcopy(_SOURCE) for number in range(-(-count // _PER_SOURCE))},
        "metrics": {name: _metric(number) for number, name in enumerate(names)},
        "dashboards": {
            "main": {"tabs": {tab: _tab(tab, names[at : at + 12]) for tab, at in (("one", 0), ("two", 12))}}
        },
        "reports": {"daily": _report(names)},
        "routes": {"file": {"outbox": {"path": "target/outbox"}}},
    }
    root.joinpath("metrics", "all.yaml").write_text(yaml.safe_dump(body, sort_keys=False), "utf-8")


_SOURCE = {
    "table": "default.events", "time": "time", "owner": "data-team", "entities": {"user": "user_id"},
    "dimensions": {"city": "city"},
    "columns": {"time": "DateTime('UTC')", "user_id": "UInt32", "kind": "UInt16", "city": "String"},
}  # fmt: skip


def _metric(number: int) -> dict[str, object]:
    told = {
        "label": f"Metric {number}", "owner": f"team-{number % 7}",
        "description": f"What is counted in campaign {number}.", "good": "up",
    }  # fmt: skip
    if number % 5 == 4:
        return {"type": "ratio", "numerator": f"m_{number - 1}", "denominator": f"m_{number - 2}", **told}
    return {
        "type": "count",
        "source": f"events_{number // _PER_SOURCE}",
        "where": f"kind != {number % 97} AND user_id != {number}",
        **told,
    }


def _tab(name: str, metrics: list[str]) -> dict[str, object]:
    return {"label": name.capitalize(), "metrics": metrics, "by": ["city"], "filters": ["city"]}


def _report(names: list[str]) -> dict[str, object]:
    blocks = [{"type": "cards", "title": f"Part {at}", "metrics": names[4 * at : 4 * at + 4]} for at in range(6)]
    return {"title": "Daily", "schedule": "0 11 * * *", "route": "file", "blocks": blocks}


def prepare(root: Path, count: int) -> None:
    """Write the project, its events, and everything that is stored of them."""
    shutil.rmtree(root, ignore_errors=True)
    write(root, count)
    process([sys.executable, "-c", _FILL], root)
    process([PLATFORM, "run", "--from", str(_FIRST), "--to", str(LAST + timedelta(days=1))], root)


def build(root: Path) -> float:
    return process([PLATFORM, "site", "build", "--date", str(LAST)], root).seconds


def report(root: Path) -> float:
    """The report of the last day: numbers, drawings and messages, written to files."""
    return process([PLATFORM, "report", "send", "daily", "--date", str(LAST), "--dry-run"], root).seconds


def queries(root: Path, count: int) -> Timing:
    """The same series by `platform query`, which is what a site needs at least."""
    names = [f"m_{number}" for number in range(count)]
    window = ["--from", str(_FIRST), "--to", str(LAST + timedelta(days=1)), "--format", "json"]
    return Timing.of([process([PLATFORM, "query", *names, *window], root).seconds])


def check(root: Path, count: int) -> None:
    """The correctness gate: each metric has its page, and the catalogue says what `platform query` says."""
    site = root / "target" / "site"
    pages = {path.stem for path in (site / "metrics").glob("m_*.html")}
    gate(pages == {f"m_{number}" for number in range(count)}, f"{len(pages)} pages for {count} metrics")
    day = ["--from", str(LAST), "--to", str(LAST + timedelta(days=1)), "--format", "json"]
    (row,) = json.loads(process([PLATFORM, "query", "m_0", *day], root).output)["rows"]
    catalogue = (site / "metrics" / "index.html").read_text("utf-8")
    gate(f'<td class="num">{show(row["value"])}</td>' in catalogue, "the catalogue differs from the query")


def weights(root: Path) -> dict[str, int]:
    """Bytes: what the first page loads, the largest page, and the whole folder."""
    site = root / "target" / "site"
    sizes = {path.relative_to(site).as_posix(): path.stat().st_size for path in site.rglob("*") if path.is_file()}
    first = ("index.html", *(f"assets/{name}" for name in ("style.css", "site.js", "filters.js", "icon.svg")))
    return {
        "first": sum(sizes[name] for name in first),
        "largest": max(size for name, size in sizes.items() if name.endswith(".html")),
        "whole": sum(sizes.values()),
    }


def measured(folder: Path, count: int) -> tuple[list[Row], dict[str, int]]:
    """The rows of one size, and its weights."""
    root, limit = folder / str(count), LIMITS[count]
    prepare(root, count)
    runs = 1 if count > 250 else RUNS
    (site,) = repeat(runs, lambda: build(root))
    check(root, count)
    asked = queries(root, count)
    target, met = (f"≤ {limit:g} s", site.median <= limit) if limit else ("–", None)
    name = f"site build, {count:,} metrics × {DAYS} days"
    rows = [
        Row(name, "platform query of the same series", site, asked, round(asked.median / site.median, 2), target, met)
    ]
    if count == SIZES[1]:
        (sent,) = repeat(RUNS, lambda: report(root))
        name, peer = "daily report of 24 metrics, end to end", f"site build, {count} metrics"
        rows.append(Row(name, peer, sent, site, round(site.median / sent.median, 2), "–", None))
    return rows, weights(root)


def _kilo(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.0f} KB"


def main(sizes: tuple[int, ...] = SIZES) -> None:
    folder = WORK / "website"
    found = {count: measured(folder, count) for count in sizes}
    heavy = "; ".join(
        f"{count:,} metrics {' / '.join(_kilo(each) for each in weights.values())}"
        for count, (_, weights) in found.items()
    )
    save(
        "website", "The static site", [row for rows, _ in found.values() for row in rows], {},
        gate="Each metric has its page, and the catalogue says what `platform query` says.",
        project="200 events a day, so that it is the site that is measured; 200 metrics a source, every fifth a ratio, "
        "two tabs of twelve with tables and a filter by city, one report.",
        weights=f"First page with what it loads / largest page / whole folder, not compressed: {heavy}. "
        "The limit for the first page is 2 MB.",
    )  # fmt: skip


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SIZES)
