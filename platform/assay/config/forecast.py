"""`forecasts` and `impacts`: what comes next, and what a dated event did."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from assay.config.base import (
    NAME,
    Day,
    Described,
    Duration,
    FieldError,
    Flag,
    Integer,
    MetricName,
    Name,
    Number,
    Share,
    Spec,
    Values,
    parse_duration,
)
from assay.config.cron import Cron

ErrorMetric = Literal["smape", "mape", "wmape", "mae", "rmsse", "mase"]


class ForecastModel(Spec):
    """A model's name; the other fields are its parameters, checked against its signature."""

    model_config = ConfigDict(extra="allow")
    type: Name
    label: str | None = Field(None, description="Its name in tables; two of one type need one.")

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


def _named(value: Any) -> Any:
    """A model by its name alone."""
    return {"type": value} if isinstance(value, str) else value


_BY_NAME = {"type": "string", "pattern": NAME}
_WITH_PARAMETERS = {"type": "object", "properties": {"type": _BY_NAME}, "required": ["type"]}
Candidate = Annotated[ForecastModel, BeforeValidator(_named), WithJsonSchema({"anyOf": [_BY_NAME, _WITH_PARAMETERS]})]


class BacktestSpec(Spec):
    """How models are compared on days that they have not seen."""

    windows: Integer = Field(7, ge=2, le=60, description="So many of the newest windows, each as long as the horizon.")
    scheme: Literal["expanding", "rolling"] = Field(
        "expanding", description="Training from the first day on, or always as long."
    )
    step: Duration | None = Field(None, description="The distance of windows; the horizon when left out.")
    min_train: Duration | None = Field(None, description="The least training; four weeks, or twice the horizon.")
    metric: ErrorMetric = Field("mase", description="The error by which models are compared.")


class ForecastSpec(Described):
    """The next days of some metrics, by the model that did best on the days before."""

    metrics: tuple[MetricName, ...] = Field(min_length=1)
    horizon: Duration = Field(parse_duration("7d"), description="So many days are forecast.")
    history: Duration | None = Field(None, description="So many days are learnt from; all when left out.")
    models: tuple[Candidate, ...] = Field((), description="The candidates; a good six when left out.")
    seasons: tuple[Integer, ...] | None = Field(
        None, description="Cycles in days, the strongest first; found in the data when left out."
    )
    gauge: Flag = Field(False, description="It may be negative, as a balance, and does not grow by percentages.")
    events: Flag = Field(True, description="Learn what the known events of the calendar did to a day.")
    level: Share = Field(0.9, gt=0.5, lt=1, description="How often the interval shall hold what comes.")
    above: Number | None = Field(None, description="A capacity: how likely is any day above it?")
    backtest: BacktestSpec = BacktestSpec()
    publish: Literal["better", "always"] = Field(
        "better", description="Whether one that does not beat the naive models is withheld, or told with a warning."
    )
    schedule: Cron = Field("0 5 * * 1", description="Cron, in the project's time zone, of its DAG.")


class ImpactSpec(Described):
    """What a dated event did to a metric, against what would have come without it."""

    metric: MetricName
    match: dict[Name, Values] = Field(
        {}, description="The values of one dimension that it touched; the total when left out."
    )
    event: Name | None = Field(None, description="A known event: its days are the ones that count.")
    start: Day | None = Field(None, description="The first day, instead of an event.")
    end: Day | None = Field(None, description="The day after the last one that counts.")
    before: Duration = Field(parse_duration("56d"), description="So many days before it are learnt from.")
    controls: tuple[MetricName, ...] = Field((), description="Metrics that it cannot have touched.")
    control_slices: Integer = Field(
        0, ge=0, le=50, description="The largest other values of the matched dimension that have a value every day."
    )
    scale: Literal["relative", "absolute"] = Field("relative", description="Effects by percentages, or by amounts.")
    season: Integer = Field(7, ge=1, le=14, description="The cycle in days; 1 for none.")
    prior: Literal["weak", "causalimpact"] = Field("weak", description="Of the level; the other one is R's.")
    second: Flag = Field(False, description="Ask Orbit's DLT too, which needs the extra 'orbit'.")

    def model_post_init(self, _context: Any) -> None:
        if (self.event is None) == (self.start is None):
            raise FieldError("it needs an event of the calendar, or a start: one of them", "event: ads_campaign")
        if self.event is None and self.end is None:
            raise FieldError("a start needs an end, the day after the last one that counts", "end: 2025-08-16")
        if self.start and self.end and self.end <= self.start:
            raise FieldError("it ends before it begins: the end is excluded", f"end: {self.start + timedelta(days=1)}")
        if len(self.match) > 1:
            raise FieldError("its match is about the values of one dimension", "match: {city: [Moscow]}")
