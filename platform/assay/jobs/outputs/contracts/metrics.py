"""What commands on metrics print."""

from __future__ import annotations

from assay.jobs.outputs.contracts.shared import (
    COUNT,
    DATE,
    FLAG,
    NUMBER,
    SLICE,
    TEXT,
    Schema,
    answer,
    list_of,
    map_of,
    object_of,
    one_of,
    optional,
)

# A value is null exactly when a reason stands beside it.
_KNOWN_OR_WHY: Schema = {
    "if": {"properties": {"value": {"type": "null"}}},
    "then": {"required": ["reason"]},
    "else": {"not": {"required": ["reason"]}},
}
_ROW = object_of(
    {
        "metric": TEXT,
        "time": DATE,
        "by": SLICE,
        "value": optional(NUMBER),
        "numerator": optional(NUMBER),
        "denominator": optional(NUMBER),
        "reason": TEXT,
        "complete": FLAG,
    },
    "reason",
    "complete",
    **_KNOWN_OR_WHY,
)
_CELL = object_of(
    {
        "day": COUNT,
        **{name: optional(NUMBER) for name in ("value", "numerator", "denominator", "baseline", "low", "high")},
        "reason": TEXT,
    },
    "reason",
    **_KNOWN_OR_WHY,
)
_COHORT = object_of(
    {
        "cohort": DATE,
        "by": SLICE,
        "size": optional(COUNT),
        "flagged": FLAG,
        "sentence": optional(TEXT),
        "cells": list_of(_CELL),
    }
)
_OF_COHORT = object_of({"cohort": DATE, "by": SLICE, "value": NUMBER})
_SUMMARY = object_of({"day": COUNT, "best": _OF_COHORT, "worst": _OF_COHORT, "spread": NUMBER, "iqr": NUMBER})
_SEGMENT = object_of(
    {
        "by": map_of(list_of(TEXT)),
        **{name: optional(NUMBER) for name in ("before", "after", "contribution", "change")},
        "effect": optional(one_of("mix", "rate")),
    }
)

SCHEMAS: dict[str, Schema] = {
    "query": answer(
        {"metrics": list_of(TEXT), "grain": one_of("day", "week", "month", "total"), "rows": list_of(_ROW)}
    ),
    "query --cohort": answer(
        {
            "metric": TEXT,
            "cohort": TEXT,
            "entity": TEXT,
            "baseline": COUNT,
            "summary": optional(_SUMMARY),
            "cohorts": list_of(_COHORT),
        }
    ),
    "investigate": answer(
        {
            "metric": TEXT,
            "on": DATE,
            "versus": {"anyOf": [DATE, {"const": "baseline"}]},
            "before": NUMBER,
            "after": NUMBER,
            "change": optional(NUMBER),
            "segments": list_of(_SEGMENT),
            "looked_at": COUNT,
            "notes": list_of(TEXT),
            "summary": TEXT,
        }
    ),
}
