"""What a day's ticks need of the past, prepared once: which slices are judged, their season, and their calibration.

Kept in a file per alert, metric and phase. It is a cache: its key tells everything that it was made from, and without
it the next tick makes it again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from assay import detect
from assay.catalog.catalog import Metric
from assay.detect import Season
from assay.jobs.alerts import events, expected, histories
from assay.jobs.alerts.histories import TOTAL, Floats, Matrix, Slice, Windows
from assay.jobs.alerts.rule import CALIBRATION, Rule
from assay.jobs.alerts.slots import Stored

_BATCH = 512  # series read at a time: their history stays under a hundred megabytes
LEARNT = 14  # days, half of whose slots are known


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """What is known at the beginning of a day. `factor`: shape (slices,), by which scores are divided; `learnt`: which
    slices have a history, so that silence means something. `signed`: whether values may be negative. `season` only for
    detectors that prepare."""

    names: tuple[Slice, ...]
    signed: bool
    factor: Floats
    learnt: NDArray[np.bool_]
    season: Season | None = None


def of_day(rule: Rule, metric: Metric, past: Windows, stored: Stored) -> Day:
    """The day after some windows: remembered, or made from them and remembered."""
    file = _file(rule, metric, past)
    key = _key(rule, metric, past, stored)
    found = _load(file, key)
    if found is None:
        found = _made(rule, metric, past, stored)
        _keep(file, key, found)
    return found


def _made(rule: Rule, metric: Metric, past: Windows, stored: Stored) -> Day:
    names = slices(rule, metric, past)
    batches = list(read(rule, metric, past, names, stored))
    signed = any(each.signed for each in batches)
    parts = [_part(rule, each, past, signed) for each in batches]
    seasons = [each.season for each in parts if each.season]
    season = _joined(seasons) if seasons else None
    factor, learnt = (np.concatenate([getattr(each, name) for each in parts]) for name in ("factor", "learnt"))
    return Day(tuple(names), signed, factor, learnt, season)


def slices(rule: Rule, metric: Metric, past: Windows) -> list[Slice]:
    """The total, if it is judged or there is nothing else, and the largest values of each dimension, by name."""
    begin = past.start - past.start % past.timeline.per_day  # the same slices for every phase of a day
    whole = replace(past, start=begin, count=1, stride=past.count * past.stride)
    found: list[Slice] = [TOTAL] if rule.spec.total else []
    for dimension in rule.spec.by:
        matrix = histories.read(rule.context, [metric], [dimension], whole, None)[0]
        largest = np.argsort(-matrix.volume, kind="stable")[: rule.spec.top]
        found += sorted(matrix.names[row] for row in largest)
    return found or [TOTAL]  # where nothing has ever happened, that is what is judged


def read(rule: Rule, metric: Metric, past: Windows, names: Sequence[Slice], stored: Stored) -> Iterator[Matrix]:
    """The history of some slices, in batches of one dimension."""
    for dimension in dict.fromkeys(name for name, _ in names):
        mine = [each for each in names if each[0] == dimension]
        for start in range(0, len(mine), _BATCH):
            batch = mine[start : start + _BATCH]
            values = [value for _, value in batch]
            yield histories.read(rule.context, [metric], [dimension], past, stored, values)[0].chosen(batch)


def _part(rule: Rule, matrix: Matrix, past: Windows, signed: bool) -> Day:
    data = events.left_out(rule, matrix, expected.history(rule, matrix, past, signed), past, past.stop)
    factor, season = np.ones(len(matrix.names)), None
    if rule.calibrates:
        newest = min(CALIBRATION * past.per_day, past.count)
        factor = detect.factors(rule.score(data, newest), past.per_day, CALIBRATION)
    if rule.prepares:
        season = detect.prepare(data, rule.setting).season
    recent = np.isfinite(data.values[:, -LEARNT * past.per_day :])
    return Day(matrix.names, signed, factor, recent.sum(axis=1) >= LEARNT * past.per_day / 2, season)


def _joined(seasons: Sequence[Season]) -> Season:
    names = [each.name for each in fields(Season)]
    return Season(*(np.concatenate([getattr(each, name) for each in seasons]) for name in names))


def _file(rule: Rule, metric: Metric, past: Windows) -> Path:
    """One per day and phase of the last days; an older day's is written over."""
    day = (past.stop // past.timeline.per_day) % 2
    name = f"{rule.alert.name}-{metric.name}-{past.start % past.timeline.per_day}-{day}.npz"
    return rule.context.target / "seasons" / name


def _key(rule: Rule, metric: Metric, past: Windows, stored: Stored) -> str:
    """Everything that a day is made from: definitions, the days themselves, and this version."""
    spec, (first, last) = rule.spec, past.days
    made = sorted(
        (source, str(day), build.fingerprint, str(build.until), str(build.seen))
        for (source, day), build in stored.items()
        if source in metric.sources and first <= day <= last
    )
    known = [(name, each.spec.model_dump_json()) for name, each in rule.context.catalog.definitions.events.items()]
    judged = spec.model_dump_json(include={"detector", "agree", "by", "total", "top", "window", "every"})
    parts = (
        version("assay-platform"),
        rule.context.catalog.zone,
        judged,
        repr(metric.series),
        past.start,
        past.stop,
        known,
        made,
    )
    return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _load(file: Path, key: str) -> Day | None:
    try:
        with np.load(file, allow_pickle=False) as stored:
            return _day(stored) if str(stored["key"]) == key else None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # none, or one that a crash cut short
        return None


def _day(stored: Mapping[str, Any]) -> Day:
    names = tuple((str(dimension), str(value)) for dimension, value in stored["names"])
    season = [stored[each.name] for each in fields(Season) if each.name in stored]
    return Day(names, bool(stored["signed"]), stored["factor"], stored["learnt"], Season(*season) if season else None)


def _keep(file: Path, key: str, day: Day) -> None:
    """Whole or not at all."""
    arrays: dict[str, Any] = {"key": key, "names": np.array(day.names, dtype=np.str_).reshape(-1, 2)}
    arrays |= {"signed": day.signed, "factor": day.factor, "learnt": day.learnt}
    if day.season:
        arrays |= {each.name: getattr(day.season, each.name) for each in fields(Season)}
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    with unfinished.open("wb") as stream:
        np.savez(stream, **arrays)
    unfinished.replace(file)
