"""The JSON that commands print with `--format json`, as JSON Schemas (draft 2020-12): other programs build on it.

Keys may be added; the ones required here stay. Times are ISO 8601 with a zone, dates are YYYY-MM-DD, shares are 0..1,
and a number that is not known is null beside a reason.
"""

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


def _optional(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _map(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


def _object(properties: Schema, *extra: str, **more: Schema) -> Schema:
    """An object whose `properties` are all required; those named in `extra` may be missing. `more` is merged in."""
    required = [name for name in properties if name not in extra]
    return {"type": "object", "required": required, "properties": properties, **more}


def _answer(properties: Schema, *extra: str) -> Schema:
    """What a command prints: an object with the version of the contract."""
    return _object({"schema": {"const": 1}, **properties}, *extra)


_PLACE = {"path": _optional(TEXT), "line": _optional(WHOLE)}
_DIAGNOSTIC = _object({"code": TEXT, **_PLACE, "column": _optional(WHOLE), "message": TEXT, "why": TEXT, "fix": TEXT})
# A value is null exactly when a reason stands beside it.
_KNOWN_OR_WHY: Schema = {
    "if": {"properties": {"value": {"type": "null"}}},
    "then": {"required": ["reason"]},
    "else": {"not": {"required": ["reason"]}},
}
_ROW = _object(
    {
        "metric": TEXT,
        "time": DATE,
        "by": SLICE,
        "value": _optional(NUMBER),
        "numerator": _optional(NUMBER),
        "denominator": _optional(NUMBER),
        "reason": TEXT,
        "complete": FLAG,
    },
    "reason",
    "complete",
    **_KNOWN_OR_WHY,
)
_CELL = _object(
    {
        "day": COUNT,
        **{name: _optional(NUMBER) for name in ("value", "numerator", "denominator", "baseline", "low", "high")},
        "reason": TEXT,
    },
    "reason",
    **_KNOWN_OR_WHY,
)
_COHORT = _object(
    {
        "cohort": DATE,
        "by": SLICE,
        "size": _optional(COUNT),
        "flagged": FLAG,
        "sentence": _optional(TEXT),
        "cells": _list(_CELL),
    }
)
_OF_COHORT = _object({"cohort": DATE, "by": SLICE, "value": NUMBER})
_SUMMARY = _object({"day": COUNT, "best": _OF_COHORT, "worst": _OF_COHORT, "spread": NUMBER, "iqr": NUMBER})
_STEP = _object(
    {
        "kind": TEXT,
        "name": TEXT,
        "partition": TEXT,
        "rows": COUNT,
        "seconds": {"type": "number", "minimum": 0},
        "status": _one_of("done", "failed"),
        "reason": _optional(TEXT),
    }
)
_CHECK = _object(
    {
        "kind": _one_of("source", "model", "metric"),
        "subject": TEXT,
        "check": TEXT,
        "severity": _one_of("error", "warn"),
        "first": DATE,
        "last": DATE,
        "status": _one_of("passed", "failed", "skipped"),
        "value": _optional(NUMBER),
        "message": TEXT,
    }
)
_VERDICT = _one_of("ship", "do_not_ship", "keep_running", "blocked")
_GATE = _object({"name": TEXT, "status": _one_of("pass", "warn", "fail"), "pvalue": _optional(SHARE), "detail": TEXT})
_RESULT = _object(
    {
        "metric": TEXT,
        "role": _one_of("primary", "secondary", "guardrail"),
        "variant": TEXT,
        "method": TEXT,
        "estimand": TEXT,
        **{name: _optional(NUMBER) for name in ("control", "treatment", "difference", "low", "high")},
        **{name: _optional(NUMBER) for name in ("relative", "relative_low", "relative_high")},
        "pvalue": _optional(SHARE),
        "pvalue_adjusted": _optional(SHARE),
        "correction": TEXT,
        **{f"adjusted_{name}": _optional(NUMBER) for name in ("low", "high", "relative_low", "relative_high")},
        "interval": TEXT,
        "warnings": _list(TEXT),
        "n_control": COUNT,
        "n_treatment": COUNT,
        "variance_reduction": _optional(NUMBER),
        "slice": _optional(SLICE),
        "reason": _optional(TEXT),
    }
)
_PRIMARY: Schema = {"metric": TEXT, "variant": TEXT}
_POINT = _object(
    {
        "day": DATE,
        "units": COUNT,
        **{name: _optional(NUMBER) for name in ("difference", "low", "high", "band_low", "band_high", "alone")},
        "stopped": FLAG,
    }
)
_PROGRESS = _object({"units": COUNT, "days": COUNT, "planned_days": COUNT})
_HISTORY = _object({"from": DATE, "to": DATE})
_CURVE = _object(
    {"mde": NUMBER, "n_per_variant": COUNT, "n": _map(COUNT), "days": _optional(COUNT), "extrapolated": FLAG}
)
_LEVEL = _object({"alpha": SHARE, "rate": SHARE, "low": SHARE, "high": SHARE})
_CAUSE = _object({"by": _map(_list(TEXT)), "share": NUMBER, "before": NUMBER, "after": NUMBER})
_FINDING = _object(
    {
        "alert": TEXT,
        "metric": TEXT,
        "by": SLICE,
        "state": _one_of("pending", "firing", "resolved"),
        "since": MOMENT,
        **{name: _optional(NUMBER) for name in ("value", "low", "high", "deviation", "change")},
        "severity": _one_of("info", "warning", "critical"),
        "route": TEXT,
        "explained_by": _list(_CAUSE),
        "message": TEXT,
    }
)
_SERIES: Schema = {"metric": TEXT, "by": SLICE}
_EPISODE = _object(
    {
        **_SERIES,
        "about": _one_of("anomaly", "no_data"),
        "start": MOMENT,
        "end": _optional(MOMENT),
        "peak_deviation": _optional(NUMBER),
        "change": _optional(NUMBER),
        "told": FLAG,
        "quiet": _list(TEXT),
    }
)
_RATES: Schema = dict.fromkeys(("alerts_per_week", "messages_per_week", "noise_per_metric_week"), NUMBER)
_VISIBLE = _list(_object({**_SERIES, "drop": _optional(SHARE)}))
_BACKTEST: Schema = {
    "alert": TEXT,
    "from": DATE,
    "to": DATE,
    "points": COUNT,
    "weeks": NUMBER,
    "threshold": NUMBER,
    "incidents": _list(_EPISODE),
    **_RATES,
    "messages": _map(COUNT),
    "budget": _optional(NUMBER),
    "over_budget": FLAG,
    "visible_in": TEXT,
    "visible_drop": _VISIBLE,
    "learning": _list(_object(_SERIES)),
    "without_power": _list(TEXT),
    "against": _optional(
        _object(
            {"revision": TEXT, "rule": _optional(_object({**_RATES, "incidents": COUNT})), "reason": _optional(TEXT)}
        )
    ),
}
_SEGMENT = _object(
    {
        "by": _map(_list(TEXT)),
        **{name: _optional(NUMBER) for name in ("before", "after", "contribution", "change")},
        "effect": _optional(_one_of("mix", "rate")),
    }
)
_ITEM = _object({"name": TEXT, **_PLACE, "owner": _optional(TEXT)})
_BLOCK = _object({"title": TEXT, "text": TEXT, "chart": FLAG})
_DELIVERY = _object({"channel": TEXT, "recipient": TEXT, "status": TEXT, "message_id": _optional(TEXT)})
_BACKFILL = _object({"days": _optional(COUNT), "rows": _optional(COUNT)})
_CHANGE = _object(
    {
        "kind": TEXT,
        "name": TEXT,
        "class": _one_of("text", "new", "meaning", "removed", "renamed"),
        "renamed_from": TEXT,
        **_PLACE,
        "reads_it": _list(_object({"kind": TEXT, "name": TEXT, "status": _optional(TEXT)})),
        "backfill": _BACKFILL,
    },
    "renamed_from",
)
_PLAN: Schema = {
    "changes": _list(_CHANGE),
    "refused": _list(_object({"experiment": TEXT, "metric": TEXT, "reason": TEXT})),
    "notes": _list(TEXT),
    "backfill": _BACKFILL,
    "drops": _list(TEXT),
}
# How alike the variants of a salt are; the imbalance is null when one of them is empty.
_BALANCE = _object(
    {
        "salt": TEXT,
        "counts": _map(COUNT),
        "srm": _optional(SHARE),
        "imbalance": _optional(NUMBER),
        "feature": _optional(TEXT),
        "variant": _optional(TEXT),
    }
)
_DAG = _object(
    {
        **dict.fromkeys(("dag_id", "kind", "schedule", "path"), TEXT),
        "tasks": _list(TEXT),
        "assets": _list(TEXT),
        "stale": FLAG,
        "line": WHOLE,
    }
)

_ACTION = _answer(
    {
        **dict.fromkeys(("id", "kind", "target", "who", "why"), TEXT),
        **dict.fromkeys(("at", "from", "until"), MOMENT),
        "match": _map(_list(TEXT)),
    }
)
_SILENCE = _object(
    {
        "id": TEXT,
        "state": _one_of("holds", "pauses", "coming", "over", "lifted"),
        "match": _map(_list(TEXT)),
        "from": MOMENT,
        "to": MOMENT,
        "who": TEXT,
        "why": TEXT,
        "declared": TEXT,
    }
)
_INCIDENT = _object(
    {
        "id": TEXT,
        "mark": TEXT,
        "alert": TEXT,
        "since": MOMENT,
        "severity": _one_of("info", "warning", "critical"),
        "message": TEXT,
        "open": FLAG,
        "acknowledged": _optional(TEXT),
        "snoozed": _optional(MOMENT),
    }
)

# Command: the object that it prints. `error` is what any command prints when it fails.
_REFUSED = _object(
    {"forecast": TEXT, "metric": TEXT, "error": _object({"code": TEXT, "message": TEXT, "why": TEXT, "fix": TEXT})}
)
_CANDIDATE = _object(
    {
        "model": TEXT,
        "scores": _optional(
            _object({name: _optional(NUMBER) for name in ("smape", "mape", "wmape", "mae", "rmsse", "mase")})
        ),
        "coverage": _optional(SHARE),
        "width": _optional(NUMBER),
        "seconds": NUMBER,
        "failed": _optional(TEXT),
    }
)
_INTERVAL = _object({"value": NUMBER, "low": NUMBER, "high": NUMBER})
_POINT = {"day": DATE, "mean": NUMBER, "low": NUMBER, "high": NUMBER}
_PEAK = _object({"above": NUMBER, "probability": SHARE, "typical": NUMBER, "high": NUMBER})
_FORECAST = _object(
    {
        "forecast": TEXT,
        "metric": TEXT,
        "made": DATE,
        "history": DATE,
        "model": TEXT,
        "published": FLAG,
        "why": _optional(TEXT),
        "error": TEXT,
        "score": _optional(NUMBER),
        "unseen": _optional(NUMBER),
        "baseline": TEXT,
        "baseline_score": _optional(NUMBER),
        "coverage": SHARE,
        "level": SHARE,
        "meaning": TEXT,
        "points": _list(_object(_POINT)),
        "candidates": _list(_CANDIDATE),
        "windows": COUNT,
        "seasons": _list(COUNT),
        "events": _list(TEXT),
        "unlearnt": _list(TEXT),
        "peak": _optional(_PEAK),
    }
)
_COMPARED = _object(
    {
        "forecast": TEXT,
        "metric": TEXT,
        "made": DATE,
        "horizon": COUNT,
        "scheme": TEXT,
        "windows": _list(_object({"from": DATE, "to": DATE})),
        "candidates": _list(_CANDIDATE),
        "chosen": TEXT,
        "error": TEXT,
        "unseen": _optional(NUMBER),
        "baseline": TEXT,
        "beaten": FLAG,
    }
)
_TRACKED = _object(
    {
        "forecast": TEXT,
        "metric": TEXT,
        "made": DATE,
        "model": TEXT,
        "published": FLAG,
        "level": SHARE,
        "smape": _optional(NUMBER),
        "bias": _optional(NUMBER),
        "inside": COUNT,
        "days": _list(_object({**_POINT, "value": NUMBER})),
    }
)
_PLACEBOS = _object({"pvalue": SHARE, "effects": _list(_optional(NUMBER))})
_IMPACT = _object(
    {
        "impact": TEXT,
        "metric": TEXT,
        "match": _map(_list(TEXT)),
        "from": DATE,
        "to": DATE,
        "history": DATE,
        "controls": _list(TEXT),
        "left_out": _list(TEXT),
        "beside": _list(TEXT),
        "trust": _one_of("ok", "weak", "refused"),
        "reasons": _list(TEXT),
        "found": FLAG,
        "visible": _optional(NUMBER),
        "relative": _optional(_INTERVAL),
        "cumulative": _INTERVAL,
        "average": _INTERVAL,
        "pvalue": SHARE,
        "placebos": _object({"in_time": _PLACEBOS, "in_space": _PLACEBOS}),
        "holdout": _object(
            {"passed": FLAG, **{name: _optional(NUMBER) for name in ("coverage", "mape", "naive_mape")}}
        ),
        "second": _optional(_object({"relative": NUMBER, "disagrees": FLAG})),
        "differences": _optional(
            _object(
                {
                    "effect": NUMBER,
                    "low": NUMBER,
                    "high": NUMBER,
                    "pvalue": SHARE,
                    "leads_pvalue": SHARE,
                    "relative": FLAG,
                }
            )
        ),
        "synthetic": _optional(_object({"relative": NUMBER, "fit": NUMBER, "pvalue": SHARE})),
        "course": _list(_object({"day": DATE, "value": _optional(NUMBER)})),
        "days": _list(
            _object(
                {"day": DATE, **{name: _optional(NUMBER) for name in ("value", "expected", "effect", "low", "high")}}
            )
        ),
    }
)

_WIDE = _object({"table": TEXT, "rows": COUNT, "from": DATE, "to": DATE})
_STORED = {"name": TEXT, "first": _optional(DATE), "last": _optional(DATE), "days": COUNT}
_WASTE = _object({"what": TEXT, "rows": COUNT, "bytes": COUNT})

SCHEMAS: dict[str, Schema] = {
    "validate": _answer(
        {"ok": FLAG, "definitions": COUNT, "errors": _list(_DIAGNOSTIC), "warnings": _list(_DIAGNOSTIC)}
    ),
    "list": _answer({"kind": TEXT, "items": _list(_ITEM)}),
    "show": _answer(
        {"name": TEXT, "kind": TEXT, "reading": TEXT, "sql": _list(_object({"statement": TEXT, "purpose": TEXT}))}
    ),
    "plan": _answer(_PLAN),
    "apply": _answer({**_PLAN, "steps": _list(_STEP), "ok": FLAG}),
    "run": _answer({"from": DATE, "to": DATE, "steps": _list(_STEP), "ok": FLAG}),
    "status": _answer(
        {
            "ok": FLAG,
            "paused": _optional(_object({"since": MOMENT, "who": TEXT, "reason": TEXT})),
            "sources": _list(_object({**_STORED, "newest": _optional(MOMENT), "fresh": _optional(FLAG)})),
            "models": _list(_object(_STORED)),
            "failed_checks": _list(_object({"kind": TEXT, "subject": TEXT, "check": TEXT, "message": TEXT})),
            "runs": _list(_object({"at": MOMENT, "command": TEXT, "who": TEXT, "seconds": NUMBER, "rows": COUNT})),
            "costs": _list(_object({"name": TEXT, "statements": COUNT, "seconds": NUMBER})),
            "stale": _list(_WASTE),
            "alerts": _list(_object({"id": TEXT, "alert": TEXT, "message": TEXT})),
        }
    ),
    "gc": _answer({"dropped": FLAG, "waste": _list(_WASTE)}),
    "query": _answer({"metrics": _list(TEXT), "grain": _one_of("day", "week", "month", "total"), "rows": _list(_ROW)}),
    "query --cohort": _answer(
        {
            "metric": TEXT,
            "cohort": TEXT,
            "entity": TEXT,
            "baseline": COUNT,
            "summary": _optional(_SUMMARY),
            "cohorts": _list(_COHORT),
        }
    ),
    "experiment assign": _answer(
        {
            "experiment": TEXT,
            "salt": TEXT,
            "layer": _optional(TEXT),
            "traffic": _object({"from": SHARE, "to": SHARE}),
            "units": _list(_object({"unit": TEXT, "variant": _optional(TEXT)})),
        }
    ),
    "experiment salt": _answer(
        {
            "experiment": TEXT,
            "history": _object({"from": DATE, "to": DATE}),
            "units": COUNT,
            "best": _BALANCE,
            "present": _BALANCE,
            "median": NUMBER,
            "rank": _optional(SHARE),
            "tried": COUNT,
            "rejected": COUNT,
            "features": _list(TEXT),
            "skipped": _list(TEXT),
            "notes": _list(TEXT),
        }
    ),
    "experiment analyze": _answer(
        {
            "experiment": TEXT,
            "window": _object({"from": DATE, "to": DATE}),
            "units": _map(COUNT),
            "gates": _list(_GATE),
            "results": _list(_RESULT),
            "verdict": _VERDICT,
            "variant": _optional(TEXT),
            "reasons": _list(TEXT),
            "planned_end": DATE,
            "progress": _PROGRESS,
            "interactions": _list(_object({**_PRIMARY, "dimension": TEXT, "pvalue_adjusted": _optional(SHARE)})),
            "courses": _list(_object({**_PRIMARY, "rule": TEXT, "points": _list(_POINT)})),
            "sensitivity": _list(_object({**_PRIMARY, "effect": {"type": "object"}})),
            "bayes": _list(_object({**_PRIMARY, "posterior": {"type": "object"}})),
            "distributions": _list(_object({"metric": TEXT, "edges": _list(NUMBER), "shares": _map(_list(SHARE))})),
            "settings": {"type": "object"},
            "hashes": _map(TEXT),
        }
    ),
    "experiment design": _answer(
        {
            "experiment": TEXT,
            "metric": TEXT,
            "history": _HISTORY,
            "mde": NUMBER,
            "alpha": SHARE,
            "power": SHARE,
            "baseline": _object({"mean": NUMBER, "sd": NUMBER, "n_per_day": NUMBER}),
            "n_per_variant": COUNT,
            "days": _optional(COUNT),
            "curve": _list(_CURVE),
        }
    ),
    "experiment power": _answer(
        {
            "experiment": TEXT,
            "metric": TEXT,
            "n": _map(COUNT),
            "effect": NUMBER,
            "power": SHARE,
            "power_analytic": SHARE,
            "simulations": COUNT,
            "seconds": NUMBER,
            "curve": _list(_object({"effect": NUMBER, "n": COUNT, "power": SHARE})),
        }
    ),
    "experiment aa": _answer(
        {
            "experiment": TEXT,
            "metric": TEXT,
            "history": _HISTORY,
            "replays": COUNT,
            "levels": _list(_LEVEL),
            "ks_pvalue": SHARE,
            "verdict": _one_of("healthy", "broken"),
            "causes": _list(TEXT),
            "seconds": NUMBER,
        }
    ),
    "experiment history": _answer(
        {
            "experiment": TEXT,
            "analyses": _list(
                _object(
                    {
                        "analysis": TEXT,
                        "at": MOMENT,
                        "first_day": DATE,
                        "until": DATE,
                        "verdict": _VERDICT,
                        "reasons": _list(TEXT),
                        "seed": COUNT,
                        "version": TEXT,
                        "results": _list(_object({**_PRIMARY, "difference": _optional(NUMBER), "meaning": TEXT})),
                    }
                )
            ),
        }
    ),
    "alert check": _answer(
        {
            "at": MOMENT,
            "evaluated": COUNT,
            "firing": _list(_FINDING),
            "sent": COUNT,
            "suppressed": _list(_object({"reason": TEXT, "count": COUNT})),
            "failed": _list(_object({"alert": TEXT, **_DIAGNOSTIC["properties"]})),
            "blocked": _list(_object({"alert": TEXT, **_DIAGNOSTIC["properties"]})),
        }
    ),
    "alert backtest": _answer({**_BACKTEST, "errors": _list(_DIAGNOSTIC)}),
    "alert backtest, several": _answer({"alerts": _list(_object(_BACKTEST)), "errors": _list(_DIAGNOSTIC)}),
    "alert tune": _answer(
        {
            "alert": TEXT,
            "from": DATE,
            "to": DATE,
            "per_week": NUMBER,
            "threshold": NUMBER,
            "reached": FLAG,
            "incidents": _list(_EPISODE),
            **_RATES,
            "present": _object({"threshold": NUMBER, **_RATES}),
            "visible_in": TEXT,
            "visible_drop": _VISIBLE,
            "yaml": _optional(TEXT),
        }
    ),
    "alert open": _answer({"at": MOMENT, "incidents": _list(_INCIDENT)}),
    "alert silences": _answer({"at": MOMENT, "silences": _list(_SILENCE)}),
    **{f"alert {verb}": _ACTION for verb in ("ack", "snooze", "silence", "unsilence", "feedback")},
    "alert route": _answer(
        {
            "deliveries": _list(
                _object({"route": TEXT, "channel": TEXT, "recipient": TEXT, "alerts": _list(TEXT), "reason": TEXT})
            )
        }
    ),
    "forecast run": _answer({"forecasts": _list({"anyOf": [_FORECAST, _REFUSED]})}),
    "forecast backtest": _answer({"forecasts": _list({"anyOf": [_COMPARED, _REFUSED]})}),
    "forecast track": _answer({"forecast": TEXT, "runs": _list(_TRACKED)}),
    "impact": _answer({"impacts": _list(_IMPACT), "errors": _list(_DIAGNOSTIC)}),
    "check": _answer({"from": DATE, "to": DATE, "results": _list(_CHECK), "ok": FLAG}),
    "investigate": _answer(
        {
            "metric": TEXT,
            "on": DATE,
            "versus": {"anyOf": [DATE, {"const": "baseline"}]},
            "before": NUMBER,
            "after": NUMBER,
            "change": _optional(NUMBER),
            "segments": _list(_SEGMENT),
            "looked_at": COUNT,
            "notes": _list(TEXT),
            "summary": TEXT,
        }
    ),
    "dashboards refresh": _answer({"tables": _list(_WIDE)}),
    "dashboards export superset": _answer(
        {"path": TEXT, "files": COUNT, "dashboards": _list(TEXT), "tables": _list(_WIDE)}
    ),
    "report send": _answer({"report": TEXT, "date": DATE, "blocks": _list(_BLOCK), "deliveries": _list(_DELIVERY)}),
    "dags compile": _answer(
        {"sha": TEXT, "changed": FLAG, "dags": _list(_DAG), "errors": _list(_DIAGNOSTIC), "seconds": NUMBER}
    ),
    "error": _answer({"error": _object({"code": TEXT, "message": TEXT, "why": TEXT, "fix": TEXT})}),
}
