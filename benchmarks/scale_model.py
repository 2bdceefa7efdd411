"""What a cluster would need, from the measured rates of one machine and the rows that each stage has to read.

    seconds = rows / (rows per CPU second × cores × EFFICIENCY)

No cluster was there to measure. The rates are of one process whose memory both cores share; on a cluster every shard
does the same over its own units, and nothing but what `travels` says leaves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

EFFICIENCY = 0.7  # of many cores beside a single one: an assumption
NETWORK = 1.25e9  # bytes a second into the node that was asked: 10 Gbit/s
ACTIONS = 50  # events of a unit on a day with any
WINDOW = 28  # days that an experiment of two weeks reads, with its past
SEEN = 3  # units of two weeks for each unit of a day
EXPERIMENTS = 200  # read every day
_HELD = ("units from events", "units from stored days")


@dataclass(frozen=True, slots=True)
class Stage:
    """What was measured: rows are those that decide how long it takes, bytes what was read, uncompressed."""

    name: str
    rows: int
    bytes: int
    cpu: float
    wall: float
    peak: int

    @property
    def rate(self) -> float:
        """Rows per CPU second."""
        return self.rows / self.cpu

    @property
    def flow(self) -> float:
        """Bytes per CPU second."""
        return self.bytes / self.cpu


@dataclass(frozen=True, slots=True)
class Cluster:
    """`events` of a year on so many shards, each of so many cores."""

    events: float
    shards: int
    cores: int

    @property
    def day(self) -> float:
        """Events of a day."""
        return self.events / 365

    @property
    def units(self) -> float:
        """Units with any event on a day."""
        return self.day / ACTIONS

    def seconds(self, rows: float, rate: float) -> float:
        return rows / (rate * self.shards * self.cores * EFFICIENCY)


CLUSTERS = (Cluster(1e9, 1, 8), Cluster(1e10, 1, 32), Cluster(1e11, 4, 32), Cluster(1e12, 10, 32))


@dataclass(frozen=True, slots=True)
class Line:
    """One stage on one cluster. `travels` are bytes that leave the shards."""

    stage: str
    rows: float
    seconds: float
    travels: float = 0


def lines(cluster: Cluster, stages: Mapping[str, Stage], unit_bytes: float) -> Iterator[Line]:
    """What a day takes, and one experiment; `unit_bytes` are those of a row with a unit in it."""

    def line(name: str, stage: str, rows: float, travels: float = 0) -> Line:
        return Line(name, rows, cluster.seconds(rows, stages[stage].rate) + travels / NETWORK, travels)

    day, units, seen = cluster.day, cluster.units, SEEN * cluster.units
    yield line("states of a day", "states", day)
    yield line("units of a day", "unit days", day, 2 * units * unit_bytes)
    yield line("an experiment from events", "units from events", WINDOW * day, 2 * seen * unit_bytes)
    yield line("an experiment from stored days", "units from stored days", WINDOW * units, 2 * seen * unit_bytes)
    yield line("the same after one new day", "units after a new day", seen, 2 * seen * unit_bytes)
    yield line("its moments, once for all metrics", "moments", seen)


def stored(cluster: Cluster, event_bytes: float, unit_bytes: float) -> tuple[float, float]:
    """Bytes on disk, of one copy: events of a year, and unit days of 90."""
    return cluster.events * event_bytes, 90 * cluster.units * unit_bytes


def held(cluster: Cluster, stages: Mapping[str, Stage], stage: str) -> float:
    """Bytes that a shard holds of the units that one experiment has seen, while a stage adds them up."""
    floor, more = stages["sum of two columns"].peak, stages[stage].peak
    return max(more - floor, 0) / stages["moments"].rows * SEEN * cluster.units / cluster.shards


def measured(stages: Sequence[Stage], copy: float) -> str:
    """The table of what was measured, as Markdown; `copy` is the bandwidth of numpy's copy in bytes a second."""
    head = ["stage", "rows", "CPU s", "wall s", "M rows / CPU s", "GB / CPU s", "of copy", "memory at most"]
    return _table(head, ([
        each.name, f"{each.rows:,}", f"{each.cpu:.3g}", f"{each.wall:.3g}", f"{each.rate / 1e6:.3g}",
        f"{each.flow / 1e9:.2g}", f"{each.flow / copy:.1%}", size(each.peak),
    ] for each in stages))  # fmt: skip


def model(clusters: Sequence[Cluster], found: Mapping[str, Any]) -> str:
    """The table of what the arithmetic gives; `found` is what `benchmarks.scale` stores."""
    stages = {each["name"]: Stage(**each) for each in found["stages"]}
    named = [f"{each.events:.0e} / {each.shards} × {each.cores}".replace("e+", "e") for each in clusters]
    columns = [list(lines(each, stages, found["unit_bytes"])) for each in clusters]
    told = [
        [row[0].stage, *(f"{span(each.seconds)} ({_count(each.rows)})" for each in row)]
        for row in zip(*columns, strict=True)
    ]
    every = [EXPERIMENTS * (column[4].seconds + column[5].seconds) for column in columns]
    travels = [column[3].travels for column in columns]
    memory = [[f"memory of a shard, {name}", *(size(held(each, stages, name)) for each in clusters)] for name in _HELD]
    disks = [stored(each, found["event_bytes"], found["unit_disk"]) for each in clusters]
    return _table(["events a year / shards × cores", *named], [
        *told,
        [f"{EXPERIMENTS} experiments, every morning", *map(span, every)],
        ["of one experiment, leaves the shards", *map(size, travels)],
        *memory,
        ["disk: events of a year", *(size(events) for events, _ in disks)],
        ["disk: unit days of 90 days", *(size(units) for _, units in disks)],
    ])  # fmt: skip


def _table(head: Sequence[str], rows: Any) -> str:
    marks = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [head, marks, *rows]) + "\n"


def span(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.0995 else f"{seconds:.2f} s"
    return (
        f"{seconds:.3g} s"
        if seconds < 120
        else f"{seconds / 60:.3g} min"
        if seconds < 7200
        else f"{seconds / 3600:.3g} h"
    )


def size(count: float) -> str:
    for unit, power in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= power:
            return f"{count / power:.3g} {unit}"
    return f"{count / 1e3:.3g} kB"


def _count(rows: float) -> str:
    for unit, power in (("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if rows >= power:
            return f"{rows / power:.3g} {unit}"
    return f"{rows:,.0f}"
