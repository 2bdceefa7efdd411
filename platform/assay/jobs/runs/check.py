"""`check`: look at the rows and values of stored days again, and build nothing."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.catalog.catalog import Catalog
from assay.compiler.checks import declared, source
from assay.compiler.states import DAY
from assay.errors import UsageError, WarehouseError, did_you_mean
from assay.jobs.context import Context
from assay.jobs.runs import metric_checks
from assay.jobs.storage import builds, check_results, checks
from assay.jobs.storage.check_results import Result

_USUAL = 7  # days, when no range is given


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found on the local days [start, end)."""

    start: date
    end: date
    results: tuple[Result, ...]

    @property
    def ok(self) -> bool:
        return not any(each.stops for each in self.results)

    def as_dict(self) -> dict[str, Any]:
        results = [each.as_dict() for each in self.results]
        return {"from": str(self.start), "to": str(self.end), "results": results, "ok": self.ok}


def check(context: Context, names: Collection[str] = (), start: date | None = None, end: date | None = None) -> Checked:
    """Every check of some sources and metrics (all when empty) on [start, end): the last seven stored days by default.

    The results are recorded, so that a metric that passes now is shown again.
    Raises UsageError E201 and E602, and WarehouseError E511 when nothing is stored.
    """
    builds.prepare(context)
    sources, metrics = _select(context.catalog, names)
    start, end = _span(context, start, end)
    found = [each for name in sources for each in checks.rows(context, source(context.catalog, name), start, end)]
    found += metric_checks.evaluate(context, [(context.catalog.metric(name), start, end) for name in metrics])
    check_results.record(context, found, uuid.uuid4().hex[:12])
    return Checked(start, end, tuple(found))


def _select(catalog: Catalog, names: Collection[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The sources and the metrics with checks among some names."""
    specs = {name: each.spec.checks for name, each in catalog.definitions.sources.items()}
    sources = [name for name, wanted in specs.items() if declared(wanted)]
    metrics = [each.name for each in metric_checks.checked(catalog)]
    for name in names:
        if name not in {*specs, *catalog.metrics}:
            raise UsageError.of(
                "E201",
                f"Unknown source or metric '{name}'.{did_you_mean(name, [*sources, *metrics])}",
                why="It must name a source or a metric of this project.",
                fix=f"Use some of: {', '.join([*sources, *metrics]) or 'none has checks'}.",
            )
    return [each for each in sources if not names or each in names], [
        each for each in metrics if not names or each in names
    ]


def _span(context: Context, start: date | None, end: date | None) -> tuple[date, date]:
    stored = [day for _, day in builds.read(context, DAY)]
    if not stored and not (start and end):
        raise WarehouseError.of(
            "E511", "Nothing is stored yet.", why="Stored days are checked.", fix="Run 'platform run' first."
        )
    end = end or max(stored) + timedelta(days=1)
    start = start or end - timedelta(days=_USUAL)
    if end <= start:
        raise UsageError.of(
            "E602", f"The range from {start} to {end} is empty.", why="It is half-open: [from, to).", fix="Widen it."
        )
    return start, end
