"""What commands on boards and reports print."""

from __future__ import annotations

from assay.jobs.outputs.contracts.shared import COUNT, DATE, FLAG, TEXT, Schema, answer, list_of, object_of, optional

_BLOCK = object_of({"title": TEXT, "text": TEXT, "chart": FLAG})
_DELIVERY = object_of({"channel": TEXT, "recipient": TEXT, "status": TEXT, "message_id": optional(TEXT)})
_WIDE = object_of({"table": TEXT, "rows": COUNT, "from": DATE, "to": DATE})

SCHEMAS: dict[str, Schema] = {
    "dashboards refresh": answer({"tables": list_of(_WIDE)}),
    "dashboards export superset": answer(
        {"path": TEXT, "files": COUNT, "dashboards": list_of(TEXT), "tables": list_of(_WIDE)}
    ),
    "report send": answer({"report": TEXT, "date": DATE, "blocks": list_of(_BLOCK), "deliveries": list_of(_DELIVERY)}),
}
