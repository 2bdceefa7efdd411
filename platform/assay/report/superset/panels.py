"""Blocks of a tab as charts: lines, heatmaps, tables, weeks of a lifecycle as stacked bars, cohorts as a heatmap."""

from __future__ import annotations

from typing import Any

from assay.report.superset.charts import ROWS, Chart, any_time, axis, day, line_params, only, params_of, query_of, table
from assay.report.superset.datasets import PEOPLE, VALUE
from assay.report.superset.views import BoardView, Measure, Panel, d3_format

_HALF, _WHOLE = 6, 12
_BORDER = {"r": 255, "g": 255, "b": 255, "a": 1}


def panels(view: BoardView) -> list[Chart]:
    made = {"line": _line, "heatmap": _heatmap, "table": _table, "lifecycle": _lifecycle, "cohort": _cohort}
    return [made[each.kind](view, each) for each in view.panels]


def _measures(view: BoardView, panel: Panel) -> list[Measure]:
    return [each for each in view.measures if each.column in panel.metrics]


def _line(view: BoardView, panel: Panel) -> Chart:
    """Without a dimension it shows the slice that is chosen."""
    found = _measures(view, panel)
    by, split = (["value"], [("dimension", panel.by)]) if panel.by else ([], [("slice", "all")])
    query = query_of([day(), *by], [each.value for each in found], split)
    params = line_params(found, panel.top, panel.by)
    return Chart(panel.key, panel.title, "", view.owner, params, query, view, bool(panel.by), width=_HALF)


def _table(view: BoardView, panel: Panel) -> Chart:
    return table(view, panel.key, panel.title, _measures(view, panel), panel.by, panel.top)


def _heatmap(view: BoardView, panel: Panel) -> Chart:
    """A metric by the values of a dimension and day, coloured by the rank of the day among those of its value.

    Superset has no colours that change their side at zero, and a large value must not make the others pale.
    """
    (measure,) = _measures(view, panel)
    params = _grid("day", "value", measure.value, measure.format) | {
        "time_grain_sqla": "P1D",
        "normalized": True,
        "normalize_across": "y",
        "show_legend": False,
        "adhoc_filters": [any_time(), only("dimension", panel.by)],
    }
    query = query_of([day(), "value"], [measure.value], [("dimension", panel.by)])
    return Chart(panel.key, panel.title, measure.description, view.owner, params, query, view, True, width=_WHOLE)


def _lifecycle(view: BoardView, panel: Panel) -> Chart:
    """Who left lies below the axis."""
    (metric,) = panel.metrics
    params = params_of("echarts_timeseries_bar") | {
        "metrics": [PEOPLE],
        "x_axis": "week",
        "time_grain_sqla": "P1D",
        "groupby": ["part"],
        "stack": "Stack",
        "sort_series_type": "name",
        "sort_series_ascending": True,
        "row_limit": ROWS,
        "y_axis_format": d3_format("number"),
        "x_axis_time_format": "%Y-%m-%d",
        "truncate_metric": True,
        "show_legend": True,
        "rich_tooltip": True,
        "adhoc_filters": [any_time("week"), only("metric", metric)],
    }
    week = axis("week") | {"timeGrain": "P1D"}
    query = query_of([week, "part"], [PEOPLE], [("metric", metric)], "week")
    text = "Weeks that are over, by their Mondays."
    return Chart(panel.key, panel.title, text, view.owner, params, query, view, True, view.weeks, _HALF)


def _cohort(view: BoardView, panel: Panel) -> Chart:
    (metric,) = panel.metrics
    params = _grid("day", "name", VALUE, d3_format(panel.style)) | {
        "adhoc_filters": [any_time("cohort"), only("metric", metric)],
    }
    query = query_of([axis("day"), "name"], [VALUE], [("metric", metric)], "cohort")
    text = "Cohorts with their sizes, by the day of their life."
    return Chart(panel.key, panel.title, text, view.owner, params, query, view, True, view.cohorts, _WHOLE)


def _grid(across: str, down: str, metric: str, style: str) -> dict[str, Any]:
    return params_of("heatmap_v2") | {
        "x_axis": across,
        "groupby": down,
        "metric": metric,
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "normalize_across": "heatmap",
        "linear_color_scheme": "schemeBlues",
        "border_color": _BORDER,
        "border_width": 1,
        "legend_type": "continuous",
        "show_legend": True,
        "show_percentage": False,
        "show_values": False,
        "value_bounds": [None, None],
        "left_margin": "auto",
        "bottom_margin": "auto",
        "xscale_interval": -1,
        "yscale_interval": -1,
        "x_axis_time_format": "%Y-%m-%d",
        "y_axis_format": style,
        "row_limit": ROWS,
    }
