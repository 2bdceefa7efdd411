"""`checks` of sources, models and metrics: what must hold before anything that depends on them is believed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from assay.config.base import Duration, FieldError, Integer, MetricName, Number, Share, Spec, Value, parse_duration


def _bounded(found: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    low, high = found
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        raise FieldError("a range is [lowest, highest], at least one of them a number", "[0, 120]")
    return found


Bounds = Annotated[tuple[Number | None, Number | None], AfterValidator(_bounded)]


class Volume(Spec):
    """A day's rows against the days before it."""

    history: Duration = Field(parse_duration("14d"), description="How many days before it are compared with.")
    within: Share = Field(0.5, gt=0, description="The largest relative distance from their median, of at least 3 days.")


class RowChecks(Spec):
    """What must hold for the rows of a source or a model, day by day."""

    not_null: tuple[str, ...] = Field((), description="Columns that may not be NULL.")
    unique: tuple[str, ...] = Field((), description="Columns whose values together occur once a day; in a model, once.")
    accepted: dict[str, tuple[Value, ...]] = Field({}, description="Column: the only values it may hold.")
    range: dict[str, Bounds] = Field({}, description="Column: [lowest, highest], both allowed; null is no bound.")
    min_rows_per_day: Integer = Field(0, ge=0, description="A day with fewer rows fails.")
    volume: Volume | None = Field(None, description="A day's rows against the days before it.")
    duplicates: Share | None = Field(None, ge=0, lt=1, description="The largest share of rows that are copies.")


class Checks(RowChecks):
    """A failed check stops what depends on the rows: the day is not published; under `warn` it is only reported."""

    warn: RowChecks = Field(RowChecks(), description="The same checks; a failure is reported and stops nothing.")


class Equal(Spec):
    """Two names for one number."""

    metric: MetricName = Field(description="The metric that must have the same value.")
    tolerance: Share = Field(0.0, ge=0, description="The largest relative difference.")


def _equal(value: Any) -> Any:
    return {"metric": value} if isinstance(value, str) else value


class ValueChecks(Spec):
    """What must hold for the daily values of a metric."""

    range: Bounds | None = Field(None, description="[lowest, highest], both allowed; null is no bound.")
    volume: Volume | None = Field(None, description="A day's value against the days before it.")
    equals: Annotated[Equal, BeforeValidator(_equal, json_schema_input_type=str | Equal)] | None = Field(
        None, description="Another metric with the same value: reconciliation."
    )


class MetricChecks(ValueChecks):
    """A day that fails a check shows no value; under `warn` it is only reported."""

    warn: ValueChecks = Field(ValueChecks(), description="The same checks; a failure is reported and stops nothing.")
