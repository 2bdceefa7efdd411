"""A board: where its charts stand, and its two filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assay.report.superset.charts import Chart
from assay.report.superset.datasets import VERSION
from assay.report.superset.views import BoardView, identify

_WIDTH = 12  # columns of Superset's grid
_LOW, _HIGH, _TALL = 26, 50, 76  # heights of a number, a chart and a heatmap, in Superset's units of 8 pixels
_ALL = "all"


def dashboard(view: BoardView, charts: Sequence[Chart]) -> dict[str, Any]:
    numbers = {chart.key: at for at, chart in enumerate(charts, start=1)}  # ids within the file; Superset gives its own
    return {
        "dashboard_title": view.title,
        "description": view.description or None,
        "css": "",
        "slug": view.table.replace("_", "-"),
        "certified_by": view.owner or None,
        "certification_details": None,
        "published": True,
        "uuid": identify("dashboard", view.source.project, view.table),
        "position": _position(view, charts, numbers),
        "metadata": {
            "native_filter_configuration": [_time(), _slice(view, charts, numbers)],
            "color_scheme": "",
            "cross_filters_enabled": False,
            "refresh_frequency": 0,
            "timed_refresh_immune_slices": [],
            "expanded_slices": {},
            "default_filters": "{}",
        },
        "version": VERSION,
    }


def _position(view: BoardView, charts: Sequence[Chart], numbers: dict[str, int]) -> dict[str, Any]:
    rows = [
        {f"CHART-{numbers[chart.key]}": _placed(chart, numbers[chart.key]) for chart in row} for row in _rows(charts)
    ]
    if view.words:
        rows.append({"MARKDOWN-1": _markdown(view.words)})
    names = [f"ROW-{at}" for at in range(len(rows))]
    found: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": names, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": view.title}},
    }
    for name, row in zip(names, rows, strict=True):
        meta, parents = {"background": "BACKGROUND_TRANSPARENT"}, ["ROOT_ID", "GRID_ID"]
        found[name] = {"type": "ROW", "id": name, "children": list(row), "parents": parents, "meta": meta}
        found |= {each: placed | {"id": each, "parents": [*parents, name]} for each, placed in row.items()}
    return found


def _rows(charts: Sequence[Chart]) -> Iterator[Sequence[Chart]]:
    """As many as fit side by side, in their order; charts of one height in a row."""
    row: list[Chart] = []
    for chart in charts:
        if row and (sum(each.width for each in row) + chart.width > _WIDTH or _height(chart) != _height(row[0])):
            yield row
            row = []
        row.append(chart)
    if row:
        yield row


def _placed(chart: Chart, number: int) -> dict[str, Any]:
    meta = {
        "chartId": number,
        "uuid": chart.uuid,
        "sliceName": chart.name,
        "width": chart.width,
        "height": _height(chart),
    }
    return {"type": "CHART", "children": [], "meta": meta}


def _height(chart: Chart) -> int:
    return {"big_number": _LOW, "heatmap_v2": _TALL}.get(chart.params["viz_type"], _HIGH)


def _markdown(words: Sequence[str]) -> dict[str, Any]:
    meta = {"code": "\n\n".join(words), "width": _WIDTH, "height": _LOW}
    return {"type": "MARKDOWN", "children": [], "meta": meta}


def _time() -> dict[str, Any]:
    return _filter("time", "Time range", "filter_time", {}) | {
        "targets": [{}],
        "defaultDataMask": {"extraFormData": {}, "filterState": {}},
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
    }


def _slice(view: BoardView, charts: Sequence[Chart], numbers: dict[str, int]) -> dict[str, Any]:
    """One slice at a time, and never none: rows of several slices hold the same people."""
    controls = {"enableEmptyFilter": True, "multiSelect": False, "searchAllOptions": True, "sortAscending": True}
    default = {
        "extraFormData": {"filters": [{"col": "slice", "op": "IN", "val": [_ALL]}]},
        "filterState": {"label": _ALL, "value": [_ALL]},
    }
    return _filter("slice", "Slice", "filter_select", controls) | {
        "description": "The total, or one value of one dimension.",
        "targets": [{"datasetUuid": view.dataset, "column": {"name": "slice"}}],
        "defaultDataMask": default,
        "scope": {"rootPath": ["ROOT_ID"], "excluded": [numbers[chart.key] for chart in charts if chart.sliced]},
    }


def _filter(key: str, name: str, kind: str, controls: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"NATIVE_FILTER-{key}",
        "name": name,
        "type": "NATIVE_FILTER",
        "filterType": kind,
        "controlValues": controls,
        "cascadeParentIds": [],
        "description": "",
    }
