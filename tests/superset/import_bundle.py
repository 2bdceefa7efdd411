"""Runs inside Superset's own environment: imports a bundle twice, runs every chart, and prints what came as JSON.

SUPERSET_CONFIG_PATH=… python import_bundle.py BUNDLE.zip
"""

from __future__ import annotations

import json
import sys
from typing import Any
from zipfile import ZipFile

from flask import g
from superset.app import create_app


def imported(path: str) -> dict[str, Any]:
    """What is there after an import: uuid and definition of everything."""
    from superset.commands.importers.v1.assets import ImportAssetsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle
    from superset.connectors.sqla.models import SqlaTable
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    with ZipFile(path) as archive:
        ImportAssetsCommand(get_contents_from_bundle(archive)).run()
    kinds = {"databases": Database, "datasets": SqlaTable, "charts": Slice, "dashboards": Dashboard}
    from superset import db

    return {
        kind: {str(each.uuid): each.export_to_dict() for each in db.session.query(model)}
        for kind, model in kinds.items()
    }


def rows_of_charts() -> dict[str, Any]:
    """uuid: name and rows of the chart's own query, or the error."""
    from superset import db
    from superset.charts.schemas import ChartDataQueryContextSchema
    from superset.commands.chart.data.get_data_command import ChartDataCommand
    from superset.models.slice import Slice

    found = {}
    for chart in db.session.query(Slice).order_by(Slice.slice_name):
        body = json.loads(chart.query_context)
        body["datasource"] = {"id": chart.datasource_id, "type": "table"}
        command = ChartDataCommand(ChartDataQueryContextSchema().load(body))
        command.validate()
        (answer,) = command.run()["queries"]
        told = {"name": chart.slice_name, "kind": chart.viz_type, "error": answer.get("error"), "rows": answer["data"]}
        found[str(chart.uuid)] = told
    return found


def main(path: str) -> None:
    application = create_app()
    with application.test_request_context():
        from superset import security_manager

        g.user = security_manager.find_user("admin")
        first, second = imported(path), imported(path)
        answer = {
            "imported": {kind: sorted(found) for kind, found in second.items()},
            "unchanged": json.dumps(first, default=str) == json.dumps(second, default=str),
            "charts": rows_of_charts(),
        }
    sys.stdout.write("ANSWER " + json.dumps(answer, default=str) + "\n")


main(sys.argv[1])
