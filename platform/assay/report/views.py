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
Node = tuple[str, str]


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
    """A breakdown: `metrics` are (name, label, format), `rows` are (value of the dimension, one number per metric).

    `note` says what is left out.
    """

    dimension: str
    label: str
    metrics: tuple[tuple[str, str, Style], ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    note: str = ""


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
class SliceView:
    """What the cards of a tab say about one value of a dimension."""

    value: str
    cards: tuple[CardView, ...]


@dataclass(frozen=True, slots=True)
class FilterView:
    """A dimension by which a tab can be filtered; `left` values are too small to be offered."""

    dimension: str
    label: str
    slices: tuple[SliceView, ...]
    left: int = 0


@dataclass(frozen=True, slots=True)
class TabView:
    """One page of the dashboard, for one day."""

    name: str
    label: str
    day: date
    cards: tuple[CardView, ...] = ()
    tables: tuple[TableView, ...] = ()
    heatmaps: tuple[HeatmapView, ...] = ()
    filters: tuple[FilterView, ...] = ()
    blocks: tuple[BlockView, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric of the catalogue; `definition` is its YAML, `used_by` are (kind, name).

    `lineage` are the steps from the sources to the metric and on to its readers, each a pair of (kind, name).
    """

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
    used_by: tuple[Node, ...] = ()
    tier: int | None = None
    sources: tuple[str, ...] = ()
    lineage: tuple[tuple[Node, Node], ...] = ()


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
class WatchView:
    """The total of a metric by the slots of an alert; `band` are (time, low, high) of what was expected."""

    metric: str
    label: str
    format: Style
    series: tuple[Point, ...]
    band: tuple[BandPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class MarkView:
    """A span of the calendar, `end` excluded: an `event` or a `silence`, and what it is about in words."""

    kind: str
    label: str
    start: datetime
    end: datetime
    about: str = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """One rule; `incidents` are the mappings of `alert check`, `firing`, in the JSON contract, newest first, with
    when each was seen to have `ended`. `watched` are the last days, `around` those of the newest incident if it is
    older; `window` is the span that it judges, where that is not `every`."""

    name: str
    metrics: tuple[str, ...]
    every: str
    by: tuple[str, ...]
    severity: str
    route: str
    description: str
    incidents: tuple[Mapping[str, Any], ...] = ()
    watched: tuple[WatchView, ...] = ()
    around: tuple[WatchView, ...] = ()
    window: str | None = None


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
class CheckView:
    """A check that failed: on which days, by which value, and why."""

    kind: str
    subject: str
    check: str
    severity: str
    days: str
    value: float | None
    message: str


@dataclass(frozen=True, slots=True)
class StoredView:
    """A source or a model as it is stored; `over` whether its last day was when it was `built`.

    `fresh` is its allowance in words, and `late` whether the last look found it older. `gaps` are the missing stretches
    between its days, as (first, last) missing day.
    """

    kind: str
    name: str
    owner: str | None
    fresh: str | None
    failed: int
    first: date | None
    last: date | None
    over: bool
    built: datetime | None
    gaps: tuple[tuple[date, date], ...] = ()
    late: bool | None = None


@dataclass(frozen=True, slots=True)
class QualityView:
    """What is stored, and the checks of the last `days` days."""

    stored: tuple[StoredView, ...]
    failed: tuple[CheckView, ...]
    passed: int
    skipped: int
    days: int


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
    quality: QualityView | None = None
    calendar: tuple[MarkView, ...] = ()
    version: str = ""
