"""Files of a bundle, and the ZIP of them: the same views give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import yaml

from assay.report.superset.boards import dashboard
from assay.report.superset.charts import numbers, slices
from assay.report.superset.datasets import DATABASE, VERSION, database, datasets
from assay.report.superset.panels import panels
from assay.report.superset.views import BoardView

_ROOT = "assay"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can name


def bundle(views: Sequence[BoardView]) -> dict[str, str]:
    """Path: YAML, everything that the boards need; all of one database."""
    found: dict[str, Any] = {
        "metadata.yaml": {"version": VERSION, "type": "assets", "timestamp": "1980-01-01T00:00:00+00:00"},
        f"databases/{DATABASE}.yaml": database(views[0].source),
    }
    for view in views:
        made = [*numbers(view), *panels(view), *slices(view)]
        found |= {f"datasets/{DATABASE}/{table}.yaml": body for table, body in datasets(view).items()}
        found |= {f"charts/{view.table}_{chart.key.replace(' ', '_')}.yaml": chart.as_dict() for chart in made}
        found[f"dashboards/{view.table}.yaml"] = dashboard(view, made)
    return {f"{_ROOT}/{path}": _yaml(body) for path, body in found.items()}


def _yaml(body: Any) -> str:
    text: str = yaml.safe_dump(body, allow_unicode=True, sort_keys=False, width=120)
    return text


def pack(files: Mapping[str, str]) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(_entry(path), text.encode())
    return buffer.getvalue()


def _entry(path: str) -> ZipInfo:
    entry = ZipInfo(path, _LONG_AGO)
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry
