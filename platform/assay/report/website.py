"""The static site: a folder that opens from disk, without a server, a network or a build step.


`render` returns the files as text; the caller writes them. Pages are Jinja templates in `templates/`, escaped by
default, and fail on any undefined name. All links are relative.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from assay.report import charts, heatmap, readout
from assay.report import format as formats
from assay.report.views import CardView, HeatmapView, MetricView, SiteView, TableView

_TEMPLATES = Path(__file__).parent / "templates"
_ASSETS = ("style.css", "site.js", "icon.svg")
_KINDS = {"dashboard": "tab"}


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    template: str
    title: str
    section: str
    data: Mapping[str, Any] = field(default_factory=dict)


def render(site: SiteView) -> dict[str, str]:
    """The files of the site: relative path (with `/`) to content. The same view gives the same text."""
    pages = [*_tabs(site), *_metrics(site), *_experiments(site), *_alerts(site)]
    links = _links(site)
    files = {page.path: _render(page, site, links) for page in pages}
    return files | {f"assets/{name}": (_TEMPLATES / name).read_text(encoding="utf-8") for name in _ASSETS}


def _tabs(site: SiteView) -> Iterator[_Page]:
    if not site.tabs:
        yield _Page("index.html", "empty.html", "Dashboard", "dashboard")
    for index, tab in enumerate(site.tabs):
        yield _Page(_tab_path(tab.name, index), "tab.html", tab.label, "dashboard", {"tab": tab})


def _metrics(site: SiteView) -> Iterator[_Page]:
    yield _Page("metrics/index.html", "metrics.html", "Metrics", "metrics")
    for metric in site.metrics:
        yield _Page(_path("metrics", metric.name), "metric.html", metric.label, "metrics", {"metric": metric})


def _experiments(site: SiteView) -> Iterator[_Page]:
    yield _Page("experiments/index.html", "experiments.html", "Experiments", "experiments")
    metrics = {metric.name: metric for metric in site.metrics}
    for each in site.experiments:
        data = {"experiment": each, "effects": readout.effects(each, metrics)}
        yield _Page(_path("experiments", each.name), "experiment.html", each.name, "experiments", data)


def _alerts(site: SiteView) -> Iterator[_Page]:
    yield _Page("alerts/index.html", "alerts.html", "Alerts", "alerts")
    styles = {metric.name: metric.format for metric in site.metrics}
    for each in site.alerts:
        yield _Page(_path("alerts", each.name), "alert.html", each.name, "alerts", {"alert": each, "styles": styles})


def _links(site: SiteView) -> dict[tuple[str, str], str]:
    return {
        **{("tab", tab.name): _tab_path(tab.name, index) for index, tab in enumerate(site.tabs)},
        **{("metric", each.name): _path("metrics", each.name) for each in site.metrics},
        **{("experiment", each.name): _path("experiments", each.name) for each in site.experiments},
        **{("alert", each.name): _path("alerts", each.name) for each in site.alerts},
    }


def _tab_path(name: str, index: int) -> str:
    return "index.html" if index == 0 else _path("tabs", name)


def _path(folder: str, name: str) -> str:
    # A definition may be called `index`; its page must not replace the list.
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    return f"{folder}/{safe}.html" if safe != "index" else f"{folder}/index-.html"


def _render(page: _Page, site: SiteView, links: Mapping[tuple[str, str], str]) -> str:
    root = "../" * page.path.count("/")

    def href(kind: str, name: str) -> str | None:
        path = links.get((_KINDS.get(kind, kind), name))
        return root + path if path else None

    return _environment().get_template(page.template).render(page=page, site=site, root=root, href=href, **page.data)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update({name: getattr(formats, name) for name in _FILTERS})
    environment.globals.update(_HELPERS)
    return environment


def _svg(drawing: str) -> Markup:
    return Markup(drawing)  # noqa: S704 (the charts escape every text that they draw)


def _card_chart(card: CardView) -> Markup:
    return _svg(charts.sparkline(card.series, card.earlier, title=card.label, style=card.format))


def _row_chart(metric: MetricView) -> Markup:
    return _svg(charts.sparkline(metric.series[-30:], title=metric.label, style=metric.format, width=120, height=30))


def _metric_chart(metric: MetricView) -> Markup:
    line = charts.Line(metric.label, metric.series)
    return _svg(charts.line_chart([line], title=metric.label, style=metric.format, width=1240, height=280))


def _heatmap_chart(view: HeatmapView) -> Markup:
    return _svg(heatmap.heatmap(view))


def _forest_chart(effects: list[readout.Effect]) -> Markup:
    rows = [effect.interval for effect in effects]
    return _svg(charts.forest(rows, title="Relative effects with their intervals", width=1240))


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
    "gates": readout.GATES,
    "sliced": readout.sliced,
    "causes": readout.causes,
    "expectation": readout.expectation,
    "card_chart": _card_chart,
    "row_chart": _row_chart,
    "metric_chart": _metric_chart,
    "heatmap_chart": _heatmap_chart,
    "forest_chart": _forest_chart,
    "peaks": _peaks,
    "bar_width": _bar_width,
}
