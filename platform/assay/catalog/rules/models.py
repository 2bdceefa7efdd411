"""Rules about models. What is wrong with a query is reported where it is read."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.catalog.rules.common import Broken, expression, whole_days
from assay.config.check import RowChecks
from assay.config.definitions import Definition
from assay.config.model import ModelSpec
from assay.errors import Diagnostic, Location, did_you_mean

# Tables that Assay keeps in the same database.
RESERVED = (
    "alert_actions", "alert_events", "alert_memory", "alert_scores", "applied", "builds", "check_results",
    "dimension_values", "experiment_days", "experiment_results", "experiment_totals", "forecast_points",
    "forecast_runs", "impact_results", "measure_states", "pauses", "run_steps", "schema_version", "unit_days",
)  # fmt: skip


def columns(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Grain, day, order and checks name declared columns."""
    for model in catalog.definitions.models.values():
        spec = model.spec
        if spec.day is not None:
            yield from _known(spec.day, model, model.at("day"))
        for field in ("grain", "order"):
            for index, column in enumerate(getattr(spec, field)):
                yield from _known(column, model, model.at(field, index))
        yield from _checks(spec.checks, model, ("checks",))
        yield from _checks(spec.checks.warn, model, ("checks", "warn"))


def _checks(checks: RowChecks, model: Definition[ModelSpec], above: tuple[str, ...]) -> Iterator[Diagnostic]:
    known = model.spec.columns
    for field in ("not_null", "unique"):
        for index, column in enumerate(getattr(checks, field)):
            yield from expression(column, known, model.at(*above, field, index))
    for field in ("accepted", "range"):
        for column in getattr(checks, field):
            yield from expression(column, known, model.at_key(*above, field, column))


def _known(column: str, model: Definition[ModelSpec], place: Location) -> Iterator[Diagnostic]:
    known = model.spec.columns
    if column not in known:
        what = f"The model '{model.name}' has no column '{column}'.{did_you_mean(column, known)}"
        why = "Its table has the columns that it declares."
        yield Diagnostic("E204", what, why, f"Use one of: {', '.join(known)}; or add it to 'columns:'.", place)


def days(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A model by days has a Date in its grain, and asks for the days that are built."""
    for name, model in catalog.models.items():
        spec, definition = model.spec, model.definition
        yield from whole_days("lateness", spec.lateness, definition.at("lateness"))
        if spec.day is None or spec.day not in spec.columns:
            continue
        kind = spec.columns[spec.day]
        if kind != "Date":
            yield _unfit(f"'{spec.day}' is a {kind}, not a Date.", f"Write {spec.day}: Date", definition.at("day"))
        if spec.day not in spec.grain:
            fix = f"Write grain: [{', '.join((spec.day, *spec.grain))}]"
            yield _unfit(f"The grain of '{name}' lacks '{spec.day}'.", fix, definition.at("grain"))
        if not model.by_window:
            fix = "Add WHERE {{ window }}, or remove 'day:' so that the whole table is rebuilt."
            yield _unfit(f"The query of '{name}' does not use the window.", fix, definition.at("sql"))


def _unfit(what: str, fix: str, place: Location) -> Diagnostic:
    return Diagnostic("E301", what, "Days are built, checked and replaced on their own.", fix, place)


def keys(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """Rows are told apart and sorted by values that are there."""
    for model in catalog.definitions.models.values():
        for field in ("grain", "order"):
            for index, column in enumerate(getattr(model.spec, field)):
                kind = model.spec.columns.get(column, "")
                if "Nullable(" in kind:
                    what = f"'{column}' may be NULL, and is part of the {field} of '{model.name}'."
                    why = "A key with a NULL is no key."
                    fix = "Give it a type without Nullable, and write ifNull(…, '(none)') in the query."
                    yield Diagnostic("E301", what, why, fix, model.at(field, index))


def names(catalog: Catalog, _broken: Broken) -> Iterator[Diagnostic]:
    """A table of our own cannot be a model's."""
    for name, model in catalog.definitions.models.items():
        if name in RESERVED or "__" in name:
            why = "Assay keeps tables of that name in the same database."
            yield Diagnostic("E104", f"A model cannot be called '{name}'.", why, "Choose another name.", model.location)
