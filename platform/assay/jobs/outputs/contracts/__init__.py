"""The JSON that commands print with `--format json`, as JSON Schemas (draft 2020-12): other programs build on it.

Keys may be added; the ones required here stay. Times are ISO 8601 with a zone, dates are YYYY-MM-DD, shares are 0..1,
and a number that is not known is null beside a reason.
"""

from __future__ import annotations

from assay.jobs.outputs.contracts import alerts, experiments, forecasts, metrics, outputs, runs
from assay.jobs.outputs.contracts.shared import Schema

# Command: the object that it prints. `error` is what any command prints when it fails.
SCHEMAS: dict[str, Schema] = {
    name: schema
    for room in (metrics, runs, experiments, alerts, forecasts, outputs)
    for name, schema in room.SCHEMAS.items()
}
