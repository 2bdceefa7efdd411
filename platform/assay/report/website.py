"""The static site: a folder that opens from disk, without a server, a network or a build step.

`render` returns the files as text; the caller writes them. All links are relative.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from assay.report.sections import sections
from assay.report.templating import asset, environment
from assay.report.views import SiteView

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
    pages = [*_tabs(site), *_metrics(site), *_experiments(site), *_alerts(site), *_forecasts(site)]
    links = _links(site)
    files = {page.path: _render(page, site, links) for page in pages}
    return files | {f"assets/{name}": asset(name) for name in _ASSETS}


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
    for each in site.experiments:
        data = {"experiment": each, "told": sections(each)}
        yield _Page(_path("experiments", each.name), "experiment.html", each.name, "experiments", data)


def _alerts(site: SiteView) -> Iterator[_Page]:
    yield _Page("alerts/index.html", "alerts.html", "Alerts", "alerts")
    styles = {metric.name: metric.format for metric in site.metrics}
    for each in site.alerts:
        yield _Page(_path("alerts", each.name), "alert.html", each.name, "alerts", {"alert": each, "styles": styles})


def _forecasts(site: SiteView) -> Iterator[_Page]:
    yield _Page("forecasts/index.html", "forecasts.html", "Forecasts", "forecasts")
    for each in site.forecasts:
        yield _Page(_path("forecasts", each.name), "forecast.html", each.label, "forecasts", {"forecast": each})
    for impact in site.impacts:
        yield _Page(_path("impacts", impact.name), "impact.html", impact.label, "forecasts", {"impact": impact})


def _links(site: SiteView) -> dict[tuple[str, str], str]:
    return {
        **{("tab", tab.name): _tab_path(tab.name, index) for index, tab in enumerate(site.tabs)},
        **{("metric", each.name): _path("metrics", each.name) for each in site.metrics},
        **{("experiment", each.name): _path("experiments", each.name) for each in site.experiments},
        **{("alert", each.name): _path("alerts", each.name) for each in site.alerts},
        **{("forecast", each.name): _path("forecasts", each.name) for each in site.forecasts},
        **{("impact", each.name): _path("impacts", each.name) for each in site.impacts},
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

    return environment().get_template(page.template).render(page=page, site=site, root=root, href=href, **page.data)
