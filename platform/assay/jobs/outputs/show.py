"""`show`: the statements behind a name, without a warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from assay.catalog.catalog import Catalog
from assay.catalog.series import of_events, plain
from assay.compiler import checks, models, series, states, unit_days, zone
from assay.compiler import experiment as experiments
from assay.compiler.series import Spans
from assay.errors import UsageError, did_you_mean
from assay.jobs.experiments.analyze import plan_of
from assay.statement import Statement

_EXAMPLE = date(2025, 1, 1)  # the day in the shown parameters; the text of the SQL does not depend on it


@dataclass(frozen=True, slots=True)
class Shown:
    """What a name compiles to."""

    name: str
    kind: str
    reading: str
    statements: tuple[Statement, ...]

    def as_dict(self) -> dict[str, Any]:
        """The contract of `show`."""
        sql = [{"statement": each.sql, "purpose": each.purpose} for each in self.statements]
        return {"schema": 1, "name": self.name, "kind": self.kind, "reading": self.reading, "sql": sql}


def show(catalog: Catalog, name: str, reading: str | None = None) -> Shown:
    """The statements of a metric, source, model, experiment or alert. Raises UsageError E201, E302 or E601."""
    definitions = catalog.definitions
    if name in catalog.metrics:
        return Shown(name, "metric", reading or "series", _metric(catalog, name, reading or "series"))
    if name in definitions.experiments:
        return Shown(name, "experiment", "experiment", _experiment(catalog, name))
    if name in definitions.alerts:
        alert = definitions.alerts[name].spec
        found = [s for metric in alert.metrics for s in _slots(catalog, metric, alert.every, alert.by)]
        return Shown(name, "alert", "alert", tuple(found))
    if name in catalog.models:
        return Shown(name, "model", "model", tuple(_model(catalog, name)))
    if name in definitions.sources:
        return Shown(name, "source", "series", tuple(_states(catalog, name)))
    behind = _behind(catalog, name)
    if behind:
        raise UsageError.of(
            "E302",
            f"'{name}' has no SQL of its own.",
            why="Forecasts and impacts read the stored days of their metrics, as 'platform query' does.",
            fix=f"Run: platform show {behind}",
        )
    known = [*catalog.metrics, *definitions.experiments, *definitions.alerts, *catalog.models, *definitions.sources]
    raise UsageError.of(
        "E201",
        f"Unknown name '{name}'.{did_you_mean(name, known)}",
        why="It must name a metric, a source, a model, an experiment or an alert.",
        fix="See 'platform list'.",
    )


def _behind(catalog: Catalog, name: str) -> str | None:
    """The first metric of a forecast or an impact."""
    definitions = catalog.definitions
    if name in definitions.forecasts:
        return definitions.forecasts[name].spec.metrics[0]
    return definitions.impacts[name].spec.metric if name in definitions.impacts else None


def _metric(catalog: Catalog, name: str, reading: str) -> tuple[Statement, ...]:
    metric, database = catalog.metric(name), _database(catalog)
    if reading == "alert" and not (plain(metric.series) and of_events(metric.series)):
        raise UsageError.of(
            "E302",
            f"'{name}' compares or joins days and has no reading by slot.",
            why="A slot knows the events of its own minutes only.",
            fix="Show the metric behind it.",
        )
    if reading == "alert":
        return tuple(_slots(catalog, name, timedelta(minutes=15), ()))
    if reading == "experiment":
        using = [each for each in catalog.definitions.experiments if _uses(catalog, each, name)]
        if not using:
            raise UsageError.of(
                "E302",
                f"No experiment uses '{name}'.",
                why="Its reading per unit depends on an experiment's assignment and window.",
                fix="Add it to an experiment's metrics.",
            )
        return tuple(each for name in using for each in _experiment(catalog, name))
    return (series.series([metric], "day", "", _EXAMPLE, _EXAMPLE + timedelta(days=1), database),)


def _experiment(catalog: Catalog, name: str) -> tuple[Statement, ...]:
    plan = plan_of(catalog, name)
    return experiments.statements(plan) if unit_days.refusal(plan) else unit_days.statements(plan, _database(catalog))


def _uses(catalog: Catalog, experiment: str, metric: str) -> bool:
    roles = catalog.definitions.experiments[experiment].spec.metrics
    return metric in (*roles.primary, *roles.secondary, *roles.guardrail)


def _slots(catalog: Catalog, name: str, every: timedelta, by: tuple[str, ...]) -> list[Statement]:
    """The slots of one day."""
    per_day = timedelta(days=1) // every
    spans = Spans((_EXAMPLE - date(1970, 1, 1)).days * per_day, per_day, 1, 1, _EXAMPLE, _EXAMPLE)
    return [series.slots(catalog, [catalog.metric(name)], every, ["", *by], spans, _database(catalog))]


def _states(catalog: Catalog, source: str) -> list[Statement]:
    found, until = [], _EXAMPLE + timedelta(days=1)
    for grain in states.grains(catalog):
        if grain.source == source:
            stage = f"{_database(catalog)}.{grain.table}__stg_example"
            found += states.fill(catalog, grain, stage, _EXAMPLE, until, _database(catalog))
            found += states.checks(grain, stage, _EXAMPLE, until)
    found += checks.rows(
        checks.source(catalog, source), catalog.zone, _EXAMPLE, until, zone.midnight(until, catalog.zone)
    )
    return found


def _model(catalog: Catalog, name: str) -> list[Statement]:
    model, database, end = catalog.model(name), _database(catalog), _EXAMPLE + timedelta(days=1)
    stage = f"{models.table(model, database)}__stg_example"
    until = zone.midnight(end, catalog.zone)
    return [
        models.create(model, models.table(model, database)),
        models.insert(model, stage, _EXAMPLE, end, catalog.zone, until),
        models.check(model, stage, _EXAMPLE, end),
    ]


def _database(catalog: Catalog) -> str:
    warehouse = catalog.definitions.project.warehouse
    return warehouse.database if warehouse else "assay"
