"""The database and the wide tables, as Superset knows them."""

from __future__ import annotations

from typing import Any

from assay.report.superset.views import BoardView, Measure, Source

VERSION = "1.0.0"
DATABASE = "clickhouse"  # the name of its file and folder


def database(source: Source) -> dict[str, Any]:
    return {
        "database_name": f"Assay: {source.project}",
        "sqlalchemy_uri": source.uri,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_file_upload": False,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": source.uuid,
        "version": VERSION,
    }


def dataset(view: BoardView) -> dict[str, Any]:
    return {
        "table_name": view.table,
        "main_dttm_col": "day",
        "description": f"{view.title}: a row per day and slice. Slices of different dimensions overlap.",
        "schema": view.source.schema,
        "sql": None,
        "extra": _certified(view.owner),
        "columns": [*_keys(), *(_number(name) for each in view.measures for name in each.columns)],
        "metrics": [metric for each in view.measures for metric in (_exact(each), _latest(each))],
        "uuid": view.dataset,
        "database_uuid": view.source.uuid,
        "version": VERSION,
    }


def _keys() -> list[dict[str, Any]]:
    told = {"slice": "Slice", "dimension": "Dimension", "value": "Value"}
    texts = [_column(name, "String") | {"verbose_name": label, "groupby": True} for name, label in told.items()]
    return [_column("day", "Date") | {"verbose_name": "Day", "is_dttm": True, "groupby": True}, *texts]


def _number(name: str) -> dict[str, Any]:
    return _column(name, "Nullable(Float64)")


def _column(name: str, kind: str) -> dict[str, Any]:
    return {
        "column_name": name,
        "type": kind,
        "is_dttm": False,
        "is_active": True,
        "groupby": False,
        "filterable": True,
    }


def _exact(measure: Measure) -> dict[str, Any]:
    return _metric(measure, measure.value, measure.label, measure.exact)


def _latest(measure: Measure) -> dict[str, Any]:
    return _metric(measure, measure.newest, f"{measure.label}, latest", measure.latest)


def _metric(measure: Measure, name: str, label: str, expression: str) -> dict[str, Any]:
    return {
        "metric_name": name,
        "verbose_name": label,
        "metric_type": None,
        "expression": expression,
        "description": measure.description or None,
        "d3format": measure.format,
        "extra": _certified(measure.owner),
    }


def _certified(owner: str) -> dict[str, Any]:
    return {"certification": {"certified_by": owner, "details": "Defined in this project's files"}} if owner else {}
