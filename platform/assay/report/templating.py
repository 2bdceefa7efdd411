"""The templates of pages: escaped by default, failing on any undefined name, with what they may call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from assay.report import charts, heatmap, readout, sections, watched
from assay.report import format as formats
from assay.report.charts.steps import group_look
from assay.report.views import (
    BandPoint,
    CardView,
    Figure,
    ForecastSeries,
    HeatmapView,
    ImpactView,
    MetricView,
    Point,
    SiteView,
    TableView,
)

TEMPLATES = Path(__file__).parent / "templates"
_WIDE, _NARROW = 1180, 330  # pixels: a chart is drawn for a desk and for a phone, and the page shows one of them
_HALF = 600  # beside another chart
_READERS = 8  # in the lineage of a metric


@cache
def environment() -> Environment:
    """The one environment of all pages."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update({name: getattr(formats, name) for name in _FILTERS})
    made.globals.update(_HELPERS)
    return made


def asset(name: str) -> str:
    """The text of a file beside the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _svg(drawing: str) -> Markup:
    return Markup(drawing)  # noqa: S704 (the charts escape every text that they draw)


def _both(draw: Callable[[int], str], wide: int) -> Markup:
    return _svg(f'<div class="roomy">{draw(wide)}</div><div class="snug">{draw(_NARROW)}</div>')


def _card_chart(card: CardView) -> Markup:
    return _svg(charts.sparkline(card.series, card.earlier, title=card.label, style=card.format))


def _row_chart(metric: MetricView) -> Markup:
    return _svg(charts.sparkline(metric.series[-30:], title=metric.label, style=metric.format, width=120, height=30))


def _metric_chart(metric: MetricView) -> Markup:
    line = charts.Line(metric.label, metric.series)
    return _svg(charts.line_chart([line], title=metric.label, style=metric.format, width=1240, height=280))


def _lineage_chart(metric: MetricView, href: Callable[[str, str], str | None]) -> Markup:
    """The whole way to a metric, and its first readers; the page lists all of them."""
    here = ("metric", metric.name)
    readers = [step for step in metric.lineage if step[0] == here]
    if len(readers) > _READERS:
        readers[_READERS - 1 :] = [(here, ("and", f"{len(readers) - _READERS + 1} more"))]
    steps = [*(step for step in metric.lineage if step[0] != here), *readers]

    def found(kind: str, name: str) -> str | None:
        return "#used-by" if kind == "and" else href(kind, name)

    return _svg(charts.graph(steps, here, title=f"Lineage of {metric.label}", href=found))


def _timeline_chart(site: SiteView, href: Callable[[str, str], str | None]) -> Markup:
    return _both(lambda width: watched.timeline(site, href, width), _WIDE)


def _heatmap_chart(view: HeatmapView) -> Markup:
    return _svg(heatmap.heatmap(view))


def _forest_chart(
    effects: tuple[readout.Effect, ...], title: str, reference: charts.Interval | None = None, step: int = 34
) -> Markup:
    rows = [effect.interval for effect in effects]
    return _both(lambda width: charts.forest(rows, title=title, reference=reference, width=width, step=step), _WIDE)


def _course_chart(of: sections.Course) -> Markup:
    return _both(
        lambda width: charts.course(
            of.points, title=of.title, style=of.style, end=of.end, stopped=of.stopped, width=width
        ),
        _HALF,
    )


def _shape_chart(of: sections.Shape) -> Markup:
    return _both(lambda width: charts.steps(of.edges, of.shares, title=of.title, style=of.style, width=width), _HALF)


def _forecast_chart(of: ForecastSeries) -> Markup:
    """The last days, what was expected of days that have come, and what comes, with its interval."""
    assert of.run is not None, "a chart of a forecast has one"
    made = date.fromisoformat(of.run["made"])
    days = [(date.fromisoformat(each["day"]), each) for each in of.run["points"]]
    ahead: tuple[Point, ...] = tuple((day, each["mean"]) for day, each in days)
    lines = [charts.Line(of.label, of.series), charts.Line("forecast", ahead, dashed=True)]
    band = [(day, each["low"], each["high"]) for day, each in days]
    return _band_chart(lines, of.label, of.format, band, [charts.Event("forecast from here", made)])


def _impact_chart(of: ImpactView) -> Markup:
    """What happened, and what would have without the event, with the interval of the effect laid around it."""
    assert of.found is not None, "a chart of an impact has one"
    days = [(date.fromisoformat(each["day"]), each) for each in of.found["days"]]
    before = next(((day, value) for day, value in reversed(of.series) if day < days[0][0] and value is not None), None)
    root = [before] if before else []  # the two lines part at the last day before
    would: tuple[Point, ...] = (*root, *((day, each["expected"]) for day, each in days))
    band: tuple[BandPoint, ...] = (
        *((day, value, value) for day, value in root),
        *((day, _without(each, "high"), _without(each, "low")) for day, each in days),
    )
    start, end = (date.fromisoformat(of.found[name]) for name in ("from", "to"))
    lines = [charts.Line(of.metric.label, of.series), charts.Line("without it", would, dashed=True)]
    return _band_chart(lines, of.label, of.metric.format, band, [charts.Event("the event", start, end)])


def _without(day: Mapping[str, float | None], bound: str) -> float | None:
    value, effect = day["value"], day[bound]
    return None if value is None or effect is None else value - effect


def _band_chart(
    lines: Sequence[charts.Line],
    title: str,
    style: formats.Style,
    band: Sequence[BandPoint],
    events: Sequence[charts.Event],
) -> Markup:
    return _both(
        lambda width: charts.line_chart(lines, title=title, style=style, band=band, events=events, width=width), _WIDE
    )


def _figure_charts(of: Figure) -> list[Markup]:
    """Each drawing for a desk and for a phone."""
    both = zip(charts.figures(of, _WIDE), charts.figures(of, _NARROW), strict=True)
    return [_svg(f'<div class="roomy">{wide}</div><div class="snug">{narrow}</div>') for wide, narrow in both]


def _peaks(table: TableView) -> list[float]:
    """The largest size in each column, which is a full bar."""
    columns = [[row[index] for _, row in table.rows] for index in range(len(table.metrics))]
    return [max((abs(value) for value in column if formats.present(value)), default=0.0) for column in columns]


def _bar_width(value: float | None, peak: float) -> float:
    return round(100 * abs(value) / peak, 1) if formats.present(value) and peak else 0.0


_FILTERS = ("show", "show_signed", "show_date", "show_day", "show_time", "show_slice", "show_p", "arrow")
_HELPERS = {
    "change": formats.change,
    "tone": formats.tone,
    "verdict": readout.verdict,
    "window": sections.window,
    "causes": readout.causes,
    "expectation": readout.expectation,
    "card_chart": _card_chart,
    "row_chart": _row_chart,
    "metric_chart": _metric_chart,
    "heatmap_chart": _heatmap_chart,
    "lineage_chart": _lineage_chart,
    "timeline_chart": _timeline_chart,
    "watched": watched,
    "forest_chart": _forest_chart,
    "course_chart": _course_chart,
    "shape_chart": _shape_chart,
    "forecast_chart": _forecast_chart,
    "impact_chart": _impact_chart,
    "figure_charts": _figure_charts,
    "group_look": group_look,
    "peaks": _peaks,
    "bar_width": _bar_width,
}
