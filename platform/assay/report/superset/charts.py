"""Charts of a wide table: a number with its trend for each metric, and lines and a table for each dimension.

`params` is what Superset draws and edits; `query_context` is the same question for whoever has no browser.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.report.superset.datasets import VERSION
from assay.report.superset.views import BoardView, Measure, identify

_WEEK = 7
ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Chart:
    """`key` is its place on the board; `sliced`: it shows the values of a dimension, and no filter of slices.

    `table` is what it reads, the wide one when left out; `width` in twelfths of a row.
    """

    key: str
    name: str
    description: str
    owner: str
    params: dict[str, Any]
    query: dict[str, Any]
    board: BoardView
    sliced: bool = False
    table: str = ""
    width: int = 3

    @property
    def uuid(self) -> str:
        return identify("chart", self.board.source.project, self.board.table, self.key)

    def as_dict(self) -> dict[str, Any]:
        return {
            "slice_name": self.name,
            "description": self.description or None,
            "certified_by": self.owner or None,
            "certification_details": None,
            "viz_type": self.params["viz_type"],
            "params": self.params,
            "query_context": json.dumps(self._context(), ensure_ascii=False, sort_keys=True),
            "cache_timeout": None,
            "uuid": self.uuid,
            "version": VERSION,
            "dataset_uuid": self.board.dataset_of(self.table or self.board.table),
        }

    def _context(self) -> dict[str, Any]:
        return {
            "datasource": {"id": 0, "type": "table"},  # Superset writes its own id here
            "force": False,
            "queries": [self.query],
            "form_data": self.params,
            "result_format": "json",
            "result_type": "full",
        }


def numbers(view: BoardView) -> list[Chart]:
    return [_number(view, measure) for measure in view.cards]


def slices(view: BoardView) -> list[Chart]:
    """Lines and a table for each dimension."""
    return [chart for each in view.dimensions for chart in (_lines(view, each), _table(view, each))]


def _number(view: BoardView, measure: Measure) -> Chart:
    """The last day of the slice, its change to the same weekday before, and the days until it."""
    params = params_of("big_number") | {
        "metric": measure.value,
        "x_axis": "day",
        "time_grain_sqla": "P1D",
        "aggregation": "LAST_VALUE",
        "show_trend_line": True,
        "start_y_axis_at_zero": False,
        "compare_lag": _WEEK,
        "compare_suffix": "to a week before",
        "y_axis_format": measure.format,
        "time_format": "%Y-%m-%d",
        "adhoc_filters": [any_time()],
    }
    query = query_of([day()], [measure.value], [("slice", "all")])
    return Chart(measure.column, measure.label, measure.description, measure.owner, params, query, view)


def _lines(view: BoardView, dimension: str) -> Chart:
    """The first metric that has the dimension, a line per value."""
    measure = _split(view, dimension)[0]
    params = line_params([measure], 10, dimension)
    query = query_of([day(), "value"], [measure.value], [("dimension", dimension)])
    name = f"{measure.label} by {dimension}"
    return Chart(f"{dimension} lines", name, measure.description, measure.owner, params, query, view, True, width=4)


def line_params(measures: Sequence[Measure], top: int, dimension: str) -> dict[str, Any]:
    """Lines of metrics, one per value of a dimension where one is given."""
    return params_of("echarts_timeseries_line") | {
        "metrics": [each.value for each in measures],
        "x_axis": "day",
        "time_grain_sqla": "P1D",
        "groupby": ["value"] if dimension else [],
        "limit": top,
        "row_limit": ROWS,
        "y_axis_format": measures[0].format,
        "x_axis_time_format": "%Y-%m-%d",
        "truncate_metric": True,
        "show_legend": True,
        "rich_tooltip": True,
        "adhoc_filters": [any_time(), *([only("dimension", dimension)] if dimension else [])],
    }


def _table(view: BoardView, dimension: str) -> Chart:
    name = f"By {dimension}, latest"
    return table(view, f"{dimension} table", name, _split(view, dimension), dimension, 1000)


def table(view: BoardView, key: str, name: str, found: Sequence[Measure], dimension: str, top: int) -> Chart:
    """Metrics by the values of a dimension, with bars, on their last day."""
    metrics = [each.newest for each in found]
    formats = {each.newest: {"d3NumberFormat": each.format, "showCellBars": True} for each in found}
    params = params_of("table") | {
        "query_mode": "aggregate",
        "groupby": ["value"],
        "metrics": metrics,
        "timeseries_limit_metric": metrics[0],
        "order_desc": True,
        "show_cell_bars": True,
        "row_limit": top,
        "server_pagination": False,
        "column_config": formats,
        "adhoc_filters": [any_time(), only("dimension", dimension)],
    }
    query = query_of(["value"], metrics, [("dimension", dimension)]) | {"orderby": [[metrics[0], False]]}
    text = "Numbers of the last day in the range of time; a retention is of the last cohort that is old enough."
    return Chart(key, name, text, view.owner, params, query, view, True, width=8)


def _split(view: BoardView, dimension: str) -> list[Measure]:
    return [each for each in view.cards if dimension in each.by]


def params_of(kind: str) -> dict[str, Any]:
    return {"viz_type": kind, "time_range": "No filter", "annotation_layers": []}


def any_time(column: str = "day") -> dict[str, Any]:
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": column,
        "operator": "TEMPORAL_RANGE",
        "comparator": "No filter",
    }


def only(column: str, value: str) -> dict[str, Any]:
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": column,
        "operator": "==",
        "operatorId": "EQUALS",
        "comparator": value,
    }


def day() -> dict[str, Any]:
    return axis("day") | {"timeGrain": "P1D"}


def axis(column: str) -> dict[str, Any]:
    return {"columnType": "BASE_AXIS", "expressionType": "SQL", "label": column, "sqlExpression": column}


def query_of(
    columns: Sequence[Any], metrics: Sequence[str], filters: Sequence[tuple[str, str]], time: str = "day"
) -> dict[str, Any]:
    return {
        "columns": list(columns),
        "metrics": list(metrics),
        "filters": [
            {"col": time, "op": "TEMPORAL_RANGE", "val": "No filter"},
            *({"col": column, "op": "==", "val": value} for column, value in filters),
        ],
        "extras": {"having": "", "where": ""},
        "orderby": [],
        "row_limit": ROWS,
        "annotation_layers": [],
        "is_timeseries": False,
        "order_desc": True,
    }
