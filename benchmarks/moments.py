"""20 metrics with CUPED in 3 variants: 40 comparisons from moments, from rows in an engine, from columns in memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version

from benchmarks.measure import WORK, Row, at_least, gate, save
from benchmarks.sides import data
from benchmarks.sides.peers import CONFIDENCE, GBSTATS, TEA
from benchmarks.sides.side import THREADS, Ask, Reply, Side, ours, started, timing, turns, within

USERS, RUNS = 1_000_000, 5
TIMES = {"gbstats": 40, "tea-tasting": 5}  # repetitions of what takes milliseconds; ours are as many as gbstats'
SHORT, ROWS, COLUMNS = 0.002, 0.010, 0.150  # seconds; `ROWS` is what comes after the query
_MINE = TIMES["gbstats"]
_CLOSE = 0.02  # of an interval's width
_IN_MEMORY = {"polars": "from_polars", "Arrow": "from_arrow", "pandas": "from_pandas"}


def same(name: str, mine: Sequence[Sequence[float]], theirs: Sequence[Sequence[float]]) -> float:
    """The largest gap between differences or ends of intervals, as a share of the width. Raises GateFailed."""
    gaps = [
        abs(a - b) / (own[2] - own[1])
        for own, other in zip(mine, theirs, strict=True)
        for a, b in zip(own, other, strict=True)
    ]
    gate(max(gaps) < _CLOSE, f"{name}: an interval is off by {max(gaps):.1%} of its width")
    return max(gaps)


def check(path: str, own: Side, peers: dict[str, Side]) -> float:
    """The correctness gate: everybody gives the same 40 intervals. Returns the largest gap, see `same`."""
    expected = own.ask("from_moments", path=path).answer
    gate(len(expected) == data.METRICS * (data.VARIANTS - 1), f"{len(expected)} comparisons")
    gaps = [same(task, expected, own.ask(task, path=path).answer) for task in ("from_columns", "from_rows")]
    gaps += [same(name, expected, side.ask("from_moments", path=path).answer) for name, side in peers.items()]
    if "tea-tasting" in peers:
        tasks = (*_IN_MEMORY.values(), "from_duckdb")
        gaps += [same(task, expected, peers["tea-tasting"].ask(task, path=path).answer) for task in tasks]
    return max(gaps)


def from_moments(path: str, own: Side, peers: dict[str, Side]) -> list[Row]:
    asks = [partial(side.ask, "from_moments", TIMES.get(name, 1), path=path) for name, side in peers.items()]
    mine, *others = turns(RUNS, partial(own.ask, "from_moments", _MINE, path=path), *asks)
    rows = zip(peers, others, strict=True)
    return [within("40 comparisons with CUPED, from moments", name, mine, each, SHORT) for name, each in rows]


def from_rows(path: str, own: Side, tea: Side | None) -> list[Row]:
    name = f"the same from {USERS / 1e6:.0f} M rows in chDB"
    rest = partial(own.ask, "from_rows", _MINE, path=path, part="rest")
    rows = [within(f"{name}, after the query", "the bare query", *turns(RUNS, rest, _query(path, own)), ROWS)]
    if tea:
        mine, others = _beside(path, own, tea, "from_rows", "from_duckdb")
        rows.append(at_least(name, "tea-tasting, DuckDB", timing(mine), timing(others)))
    return rows


def _query(path: str, own: Side) -> Ask:
    return partial(own.ask, "from_rows", path=path, part="query")


def from_columns(path: str, own: Side, tea: Side) -> list[Row]:
    name, rows = f"the same from {USERS / 1e6:.0f} M rows in memory", []
    for kind, task in _IN_MEMORY.items():
        mine, others = _beside(path, own, tea, "from_columns", task)
        rows.append(within(name, f"tea-tasting, {kind}", mine, others, COLUMNS))
    return rows


def _beside(path: str, own: Side, peer: Side, task: str, other: str) -> list[list[Reply]]:
    return turns(RUNS, partial(own.ask, task, path=path), partial(peer.ask, other, path=path))


def main() -> None:
    path = data.save(WORK / "statistics" / "table.bin", data.table(USERS, 5))
    with ExitStack() as stack:
        own = stack.enter_context(ours())
        peers, missing = started(stack, TEA, GBSTATS, CONFIDENCE)
        gap = check(path, own, peers)
        rows, tea = from_moments(path, own, peers), peers.get("tea-tasting")
        rows += from_rows(path, own, tea)
        rows += from_columns(path, own, tea) if tea else []
    versions = {name: version(name) for name in ("numpy", "scipy", "chdb")}
    save(
        "moments", "Statistics: comparisons", rows, versions | TEA.versions | GBSTATS.versions | CONFIDENCE.versions,
        gate=f"All 40 differences and ends of intervals agree, the worst within {gap:.2%} of the interval's width.",
        data=f"{USERS:,} users, {data.METRICS} metrics with one covariate each, {data.VARIANTS} variants.",
        threads=THREADS, **missing,
    )  # fmt: skip


if __name__ == "__main__":
    main()
