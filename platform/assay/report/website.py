"""The static site: a folder that opens from disk, without a server, a network or a build step.

`render` returns the files as text; the caller writes them. All links are relative.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from assay.report import watched
from assay.report.sections import sections
from assay.report.templating import asset, environment
from assay.report.views import AlertView, CheckView, MetricView, SiteView, StoredView

_ASSETS = ("style.css", "site.js", "filters.js", "alerts.js", "icon.svg")
_VENDORED = ("uPlot.iife.min.js", "uPlot.min.css", "uPlot.LICENSE")
_KINDS = {"dashboard": "tab"}
Links = Mapping[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    template: str
    title: str
    section: str
    data: Mapping[str, Any] = field(default_factory=dict)


def render(site: SiteView) -> dict[str, str]:
    """The files of the site: relative path (with `/`) to content. The same view gives the same text."""
    pages = [*_tabs(site), *_metrics(site), *_experiments(site), *_alerts(site), *_forecasts(site), _quality()]
    links = _links(site)
    files = {page.path: _render(page, site, links) for page in pages}
    data = dict(_filters(site, links)) | dict(_slots(site))
    return files | data | {f"assets/{name}": asset(name) for name in _ASSETS} | _vendored()


def _tabs(site: SiteView) -> Iterator[_Page]:
    if not site.tabs:
        yield _Page("index.html", "empty.html", "Dashboard", "dashboard")
    for index, tab in enumerate(site.tabs):
        data = {"tab": tab, "data": _data_path(tab.name, "")}
        yield _Page(_tab_path(tab.name, index), "tab.html", tab.label, "dashboard", data)


def _filters(site: SiteView, links: Links) -> Iterator[tuple[str, str]]:
    """One script per tab and dimension: a page from disk may load scripts, but read no other file."""
    cards = environment().get_template("cards.html").module.cards  # type: ignore[attr-defined]
    for index, tab in enumerate(site.tabs):
        href = _href(_tab_path(tab.name, index), links)
        for each in tab.filters:
            shown = [(of.value, str(cards(tab, of.cards, href))) for of in each.slices]
            said = {"dimension": each.dimension, "left": each.left, "cards": shown}
            yield _data_path(tab.name, each.dimension), f"assayFilter({json.dumps(said, ensure_ascii=False)});\n"


def _data_path(tab: str, dimension: str) -> str:
    """The beginning of the paths without a dimension."""
    return f"data/{tab}-{dimension}.js" if dimension else f"data/{tab}-"


def _metrics(site: SiteView) -> Iterator[_Page]:
    yield _Page("metrics/index.html", "metrics.html", "Metrics", "metrics")
    for metric in site.metrics:
        data = {"metric": metric, "fresh": _fresh(site, metric), "failed": list(_failed(site, metric))}
        yield _Page(_path("metrics", metric.name), "metric.html", metric.label, "metrics", data)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """Up to which day all sources of a metric are stored; whether that was `over`, or is `behind` the site's day."""

    last: date | None = None
    over: bool = False
    behind: bool = False


def _fresh(site: SiteView, metric: MetricView) -> _Fresh:
    own = [each for each in _stored(site) if each.kind == "source" and each.name in metric.sources]
    days = [each.last for each in own if each.last]
    if not days or len(days) < len(own):
        return _Fresh()
    return _Fresh(min(days), all(each.over for each in own if each.last == min(days)), min(days) < site.day)


def _failed(site: SiteView, metric: MetricView) -> Iterator[CheckView]:
    subjects = {("metric", metric.name), *(("source", name) for name in metric.sources)}
    known = site.quality.failed if site.quality else ()
    yield from (each for each in known if (each.kind, each.subject) in subjects)


def _experiments(site: SiteView) -> Iterator[_Page]:
    yield _Page("experiments/index.html", "experiments.html", "Experiments", "experiments")
    for each in site.experiments:
        data = {"experiment": each, "told": sections(each)}
        yield _Page(_path("experiments", each.name), "experiment.html", each.name, "experiments", data)


def _alerts(site: SiteView) -> Iterator[_Page]:
    yield _Page("alerts/index.html", "alerts.html", "Alerts", "alerts")
    styles = {metric.name: metric.format for metric in site.metrics}
    for each in site.alerts:
        data = {"alert": each, "styles": styles, "data": _slots_path(each)}
        yield _Page(_path("alerts", each.name), "alert.html", each.name, "alerts", data)


def _slots(site: SiteView) -> Iterator[tuple[str, str]]:
    yield from ((_slots_path(each), watched.script(site, each)) for each in site.alerts if each.watched or each.around)


def _slots_path(alert: AlertView) -> str:
    return _path("data", f"alert-{alert.name}").removesuffix(".html") + ".js"


def _vendored() -> dict[str, str]:
    return {f"assets/{name}": asset(f"vendor/{name}") for name in _VENDORED}


def _forecasts(site: SiteView) -> Iterator[_Page]:
    yield _Page("forecasts/index.html", "forecasts.html", "Forecasts", "forecasts")
    for each in site.forecasts:
        yield _Page(_path("forecasts", each.name), "forecast.html", each.label, "forecasts", {"forecast": each})
    for impact in site.impacts:
        yield _Page(_path("impacts", impact.name), "impact.html", impact.label, "forecasts", {"impact": impact})


def _quality() -> _Page:
    return _Page("data/index.html", "quality.html", "Data", "quality")


def _links(site: SiteView) -> Links:
    return {
        **{("tab", tab.name): _tab_path(tab.name, index) for index, tab in enumerate(site.tabs)},
        **{("metric", each.name): _path("metrics", each.name) for each in site.metrics},
        **{("experiment", each.name): _path("experiments", each.name) for each in site.experiments},
        **{("alert", each.name): _path("alerts", each.name) for each in site.alerts},
        **{("forecast", each.name): _path("forecasts", each.name) for each in site.forecasts},
        **{("impact", each.name): _path("impacts", each.name) for each in site.impacts},
        **{(each.kind, each.name): f"data/index.html#{each.kind}-{each.name}" for each in _stored(site)},
    }


def _stored(site: SiteView) -> tuple[StoredView, ...]:
    return site.quality.stored if site.quality else ()


def _tab_path(name: str, index: int) -> str:
    return "index.html" if index == 0 else _path("tabs", name)


def _path(folder: str, name: str) -> str:
    # A definition may be called `index`; its page must not replace the list.
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    return f"{folder}/{safe}.html" if safe != "index" else f"{folder}/index-.html"


def _href(page: str, links: Links) -> Callable[[str, str], str | None]:
    """What finds the link to a thing from a page."""
    root = _root(page)

    def href(kind: str, name: str) -> str | None:
        path = links.get((_KINDS.get(kind, kind), name))
        return root + path if path else None

    return href


def _root(page: str) -> str:
    return "../" * page.count("/")


def _render(page: _Page, site: SiteView, links: Links) -> str:
    template = environment().get_template(page.template)
    return template.render(page=page, site=site, root=_root(page.path), href=_href(page.path, links), **page.data)
