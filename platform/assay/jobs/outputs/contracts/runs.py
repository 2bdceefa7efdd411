"""What commands on definitions and on what is stored print."""

from __future__ import annotations

from assay.jobs.outputs.contracts.shared import (
    COUNT,
    DATE,
    DIAGNOSTIC,
    FLAG,
    MOMENT,
    NUMBER,
    PLACE,
    STEP,
    TEXT,
    WHOLE,
    Schema,
    answer,
    list_of,
    object_of,
    one_of,
    optional,
)

_CHECK = object_of(
    {
        "kind": one_of("source", "model", "metric"),
        "subject": TEXT,
        "check": TEXT,
        "severity": one_of("error", "warn"),
        "first": DATE,
        "last": DATE,
        "status": one_of("passed", "failed", "skipped"),
        "value": optional(NUMBER),
        "message": TEXT,
    }
)
_ITEM = object_of({"name": TEXT, **PLACE, "owner": optional(TEXT)})
_BACKFILL = object_of({"days": optional(COUNT), "rows": optional(COUNT)})
_CHANGE = object_of(
    {
        "kind": TEXT,
        "name": TEXT,
        "class": one_of("text", "new", "meaning", "removed", "renamed"),
        "renamed_from": TEXT,
        **PLACE,
        "reads_it": list_of(object_of({"kind": TEXT, "name": TEXT, "status": optional(TEXT)})),
        "backfill": _BACKFILL,
    },
    "renamed_from",
)
_PLAN: Schema = {
    "changes": list_of(_CHANGE),
    "refused": list_of(object_of({"experiment": TEXT, "metric": TEXT, "reason": TEXT})),
    "notes": list_of(TEXT),
    "backfill": _BACKFILL,
    "drops": list_of(TEXT),
}
_DAG = object_of(
    {
        **dict.fromkeys(("dag_id", "kind", "schedule", "path"), TEXT),
        "tasks": list_of(TEXT),
        "assets": list_of(TEXT),
        "stale": FLAG,
        "line": WHOLE,
    }
)
_STORED = {"name": TEXT, "first": optional(DATE), "last": optional(DATE), "days": COUNT}
_WASTE = object_of({"what": TEXT, "rows": COUNT, "bytes": COUNT})

SCHEMAS: dict[str, Schema] = {
    "validate": answer(
        {"ok": FLAG, "definitions": COUNT, "errors": list_of(DIAGNOSTIC), "warnings": list_of(DIAGNOSTIC)}
    ),
    "list": answer({"kind": TEXT, "items": list_of(_ITEM)}),
    "show": answer(
        {"name": TEXT, "kind": TEXT, "reading": TEXT, "sql": list_of(object_of({"statement": TEXT, "purpose": TEXT}))}
    ),
    "plan": answer(_PLAN),
    "apply": answer({**_PLAN, "steps": list_of(STEP), "ok": FLAG}),
    "run": answer({"from": DATE, "to": DATE, "steps": list_of(STEP), "ok": FLAG}),
    "status": answer(
        {
            "ok": FLAG,
            "paused": optional(object_of({"since": MOMENT, "who": TEXT, "reason": TEXT})),
            "sources": list_of(object_of({**_STORED, "newest": optional(MOMENT), "fresh": optional(FLAG)})),
            "models": list_of(object_of(_STORED)),
            "failed_checks": list_of(object_of({"kind": TEXT, "subject": TEXT, "check": TEXT, "message": TEXT})),
            "runs": list_of(object_of({"at": MOMENT, "command": TEXT, "who": TEXT, "seconds": NUMBER, "rows": COUNT})),
            "costs": list_of(object_of({"name": TEXT, "statements": COUNT, "seconds": NUMBER})),
            "stale": list_of(_WASTE),
            "alerts": list_of(object_of({"id": TEXT, "alert": TEXT, "message": TEXT})),
        }
    ),
    "gc": answer({"dropped": FLAG, "waste": list_of(_WASTE)}),
    "check": answer({"from": DATE, "to": DATE, "results": list_of(_CHECK), "ok": FLAG}),
    "dags compile": answer(
        {"sha": TEXT, "changed": FLAG, "dags": list_of(_DAG), "errors": list_of(DIAGNOSTIC), "seconds": NUMBER}
    ),
    "error": answer({"error": object_of({"code": TEXT, "message": TEXT, "why": TEXT, "fix": TEXT})}),
}
