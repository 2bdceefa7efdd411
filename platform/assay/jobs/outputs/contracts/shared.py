"""The words of contracts: types, and objects whose keys are required."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
DATE: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
MOMENT: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)$"}
SLICE: Schema = {"type": "object", "additionalProperties": TEXT}


def optional(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def map_of(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


def object_of(properties: Schema, *extra: str, **more: Schema) -> Schema:
    """An object whose `properties` are all required; those named in `extra` may be missing. `more` is merged in."""
    required = [name for name in properties if name not in extra]
    return {"type": "object", "required": required, "properties": properties, **more}


def answer(properties: Schema, *extra: str) -> Schema:
    """What a command prints: an object with the version of the contract."""
    return object_of({"schema": {"const": 1}, **properties}, *extra)


PLACE = {"path": optional(TEXT), "line": optional(WHOLE)}
DIAGNOSTIC = object_of({"code": TEXT, **PLACE, "column": optional(WHOLE), "message": TEXT, "why": TEXT, "fix": TEXT})
STEP = object_of(
    {
        "kind": TEXT,
        "name": TEXT,
        "partition": TEXT,
        "rows": COUNT,
        "seconds": {"type": "number", "minimum": 0},
        "status": one_of("done", "failed"),
        "reason": optional(TEXT),
    }
)
