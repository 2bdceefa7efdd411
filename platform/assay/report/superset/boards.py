"""A board: where its charts stand, and its two filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assay.report.superset.charts import Chart
from assay.report.superset.datasets import VERSION
from assay.report.superset.views import BoardView, identify

_WIDTH = 12  # columns of Superset's grid
_PER_ROW = 4
_LOW, _HIGH = 26, 50  # heights of a number and of a chart, in Superset's units of 8 pixels
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
    rows = list(_rows(charts))
    names = [f"ROW-{at}" for at in range(len(rows))]
    found: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": names, "parents": ["ROOT_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": view.title}},
    }
    for name, row in zip(names, rows, strict=True):
        placed = {f"CHART-{numbers[chart.key]}": _placed(chart, numbers[chart.key], name) for chart in row}
        meta = {"background": "BACKGROUND_TRANSPARENT"}
        parents = ["ROOT_ID", "GRID_ID"]
        found[name] = {"type": "ROW", "id": name, "children": list(placed), "parents": parents, "meta": meta}
        found |= placed
    return found


def _rows(charts: Sequence[Chart]) -> Iterator[Sequence[Chart]]:
    """Numbers four to a row, then the two charts of each dimension side by side."""
    for size, sliced in ((_PER_ROW, False), (2, True)):
        found = [chart for chart in charts if chart.sliced is sliced]
        yield from (found[at : at + size] for at in range(0, len(found), size))


def _placed(chart: Chart, number: int, row: str) -> dict[str, Any]:
    return {
        "type": "CHART",
        "id": f"CHART-{number}",
        "children": [],
        "parents": ["ROOT_ID", "GRID_ID", row],
        "meta": {
            "chartId": number,
            "uuid": chart.uuid,
            "sliceName": chart.name,
            "width": _width(chart),
            "height": _HIGH if chart.sliced else _LOW,
        },
    }


def _width(chart: Chart) -> int:
    """A table of many metrics is wide."""
    if not chart.sliced:
        return _WIDTH // _PER_ROW
    return 8 if chart.params["viz_type"] == "table" else 4


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
