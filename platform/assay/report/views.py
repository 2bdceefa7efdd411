"""The view model: everything that a page, a chart or a message shows, as plain frozen records.

A series is a tuple of (day or time, value) in the order of time; a value of None is a gap and is drawn as one.
`style` is how a value reads (`assay.report.format`), `good` the direction that is good news.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from assay.report.format import Good, Style

Moment = date | datetime
Point = tuple[Moment, float | None]
BandPoint = tuple[Moment, float | None, float | None]


@dataclass(frozen=True, slots=True)
class CardView:
    """One metric on a dashboard: `before` is the value a week ago; `earlier` the same days four weeks before, shifted
    so that both series share their days."""

    metric: str
    label: str
    value: float | None
    format: Style = "number"
    before: float | None = None
    good: Good | None = None
    series: tuple[Point, ...] = ()
    earlier: tuple[Point, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class TableView:
    """A breakdown: `metrics` are (name, label, format), `rows` are (value of the dimension, one number per metric)."""

    dimension: str
    label: str
    metrics: tuple[tuple[str, str, Style], ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class HeatmapRow:
    """One cohort: a share per day of life, None where it is not known (yet). A flagged one has a `sentence`."""

    cohort: date
    size: int | None
    values: tuple[float | None, ...]
    flagged: bool = False
    sentence: str | None = None


@dataclass(frozen=True, slots=True)
class HeatmapView:
    """A retention metric by cohort and day of life."""

    metric: str
    label: str
    days: tuple[int, ...]
    rows: tuple[HeatmapRow, ...]


@dataclass(frozen=True, slots=True)
class TabView:
    """One page of the dashboard, for one day."""

    name: str
    label: str
    day: date
    cards: tuple[CardView, ...] = ()
    tables: tuple[TableView, ...] = ()
    heatmaps: tuple[HeatmapView, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric of the catalogue; `definition` is its YAML, `used_by` are (kind, name)."""

    name: str
    label: str
    description: str
    type: str
    format: Style
    good: Good | None
    owner: str | None
    path: str
    line: int
    definition: str
    sql: str
    series: tuple[Point, ...] = ()
    used_by: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MetricText:
    """How a metric reads: what people call it, its format, and the direction of good news."""

    label: str
    format: Style = "number"
    good: Good | None = None


@dataclass(frozen=True, slots=True)
class ExperimentView:
    """One experiment: what was declared, and `readout`, the mapping of `experiment analyze` in the JSON contract.

    `mde` is the smallest difference worth finding, in the unit of the first primary metric. `metrics` say how the
    metrics of the readout read; `sql` are the statements that it was made from.
    """

    name: str
    label: str
    hypothesis: str
    owner: str | None
    readout: Mapping[str, Any]
    metrics: Mapping[str, MetricText]
    mde: float | None = None
    sql: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return str(self.readout["verdict"])


@dataclass(frozen=True, slots=True)
class AlertView:
    """One rule; `incidents` are the mappings of `alert check`, `firing`, in the JSON contract, newest first."""

    name: str
    metrics: tuple[str, ...]
    every: str
    by: tuple[str, ...]
    severity: str
    route: str
    description: str
    incidents: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ForecastSeries:
    """One metric of a forecast: the days before, and `run`, the mapping of `forecast run` in the JSON contract, None
    before the first one; `past` are the mappings of `forecast track`, newest first."""

    metric: str
    label: str
    format: Style
    series: tuple[Point, ...]
    run: Mapping[str, Any] | None = None
    past: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ForecastView:
    """One forecast with its metrics; `horizon` in words."""

    name: str
    label: str
    description: str
    owner: str | None
    horizon: str
    metrics: tuple[ForecastSeries, ...]


@dataclass(frozen=True, slots=True)
class ImpactView:
    """One impact; `found` is the mapping of `impact` in the JSON contract, None before it was estimated."""

    name: str
    label: str
    description: str
    owner: str | None
    metric: MetricText
    series: tuple[Point, ...] = ()
    found: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A small line chart: the current period, and the one before shifted onto the same days."""

    title: str
    format: Style
    series: tuple[Point, ...]
    earlier: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class AlertChart:
    """A judged series: `band` are (time, low, high) of what was expected, `at` the time of the anomaly."""

    title: str
    format: Style
    series: tuple[Point, ...]
    band: tuple[BandPoint, ...]
    at: Moment


@dataclass(frozen=True, slots=True)
class LineView:
    """One number of a report. `usual` marks a change within the metric's own rhythm: shown, but not as news.

    `range` is where its relative changes usually lie, None where that is not known; `share` its part of a total.
    """

    label: str
    value: float | None
    format: Style = "number"
    before: float | None = None
    good: Good | None = None
    usual: bool = False
    range: tuple[float, float] | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class PanelsFigure:
    """Up to four small line charts, each with the period before it."""

    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class LinesFigure:
    """Several series on one axis, with dated marks of the calendar: (label, first day, day after the last)."""

    title: str
    format: Style
    lines: tuple[tuple[str, tuple[Point, ...]], ...]
    marks: tuple[tuple[str, date, date], ...] = ()


@dataclass(frozen=True, slots=True)
class BarsFigure:
    """A value per name, beside an earlier one; in the order of the rows."""

    title: str
    format: Style
    rows: tuple[tuple[str, float | None, float | None], ...]


@dataclass(frozen=True, slots=True)
class StackFigure:
    """Parts of a whole per period, negative ones below the axis: `parts` are (label, a value per period)."""

    title: str
    periods: tuple[date, ...]
    parts: tuple[tuple[str, tuple[float | None, ...]], ...]
    format: Style = "number"


@dataclass(frozen=True, slots=True)
class MatrixFigure:
    """Cells by row and column; `tones` in [-1, 1] colour them, None leaves them white; a flagged row has a sentence."""

    title: str
    format: Style
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    tones: tuple[tuple[float | None, ...], ...]
    flagged: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class BandFigure:
    """A series, what was or is expected of it, and the interval around that, from the moment `since` on."""

    title: str
    format: Style
    series: tuple[Point, ...]
    expected: tuple[Point, ...]
    band: tuple[BandPoint, ...]
    since: date


Figure = PanelsFigure | LinesFigure | BarsFigure | StackFigure | MatrixFigure | BandFigure


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block: a title, sentences, numbers, one figure, one table, and a closing remark; any of them may be missing.

    `kind` is the type of the block. `lines` are numbers of the day; `words` are sentences that need no number format.
    """

    title: str
    lines: tuple[LineView, ...] = ()
    words: tuple[str, ...] = ()
    figure: Figure | None = None
    table: TableView | None = None
    note: str = ""
    kind: str = "cards"


@dataclass(frozen=True, slots=True)
class ReportView:
    """A report about `day`, the last day of its data, compared with the day `versus`; `story` are its sentences."""

    name: str
    title: str
    day: date
    blocks: tuple[BlockView, ...]
    versus: date | None = None
    story: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteView:
    """The whole site; `day` is the last full day of its data."""

    project: str
    day: date
    timezone: str
    tabs: tuple[TabView, ...] = ()
    metrics: tuple[MetricView, ...] = ()
    experiments: tuple[ExperimentView, ...] = ()
    alerts: tuple[AlertView, ...] = ()
    forecasts: tuple[ForecastView, ...] = ()
    impacts: tuple[ImpactView, ...] = ()
    version: str = ""
