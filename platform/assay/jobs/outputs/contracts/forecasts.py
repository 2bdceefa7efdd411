"""What commands on forecasts and impacts print."""

from __future__ import annotations

from assay.jobs.outputs.contracts.shared import (
    COUNT,
    DATE,
    DIAGNOSTIC,
    FLAG,
    NUMBER,
    SHARE,
    TEXT,
    Schema,
    answer,
    list_of,
    map_of,
    object_of,
    one_of,
    optional,
)

_REFUSED = object_of(
    {"forecast": TEXT, "metric": TEXT, "error": object_of({"code": TEXT, "message": TEXT, "why": TEXT, "fix": TEXT})}
)
_CANDIDATE = object_of(
    {
        "model": TEXT,
        "scores": optional(
            object_of({name: optional(NUMBER) for name in ("smape", "mape", "wmape", "mae", "rmsse", "mase")})
        ),
        "coverage": optional(SHARE),
        "width": optional(NUMBER),
        "seconds": NUMBER,
        "failed": optional(TEXT),
    }
)
_INTERVAL = object_of({"value": NUMBER, "low": NUMBER, "high": NUMBER})
_POINT = {"day": DATE, "mean": NUMBER, "low": NUMBER, "high": NUMBER}
_PEAK = object_of({"above": NUMBER, "probability": SHARE, "typical": NUMBER, "high": NUMBER})
_FORECAST = object_of(
    {
        "forecast": TEXT,
        "metric": TEXT,
        "made": DATE,
        "history": DATE,
        "model": TEXT,
        "published": FLAG,
        "why": optional(TEXT),
        "error": TEXT,
        "score": optional(NUMBER),
        "unseen": optional(NUMBER),
        "baseline": TEXT,
        "baseline_score": optional(NUMBER),
        "coverage": SHARE,
        "level": SHARE,
        "meaning": TEXT,
        "points": list_of(object_of(_POINT)),
        "candidates": list_of(_CANDIDATE),
        "windows": COUNT,
        "seasons": list_of(COUNT),
        "events": list_of(TEXT),
        "unlearnt": list_of(TEXT),
        "peak": optional(_PEAK),
    }
)
_COMPARED = object_of(
    {
        "forecast": TEXT,
        "metric": TEXT,
        "made": DATE,
        "horizon": COUNT,
        "scheme": TEXT,
        "windows": list_of(object_of({"from": DATE, "to": DATE})),
        "candidates": list_of(_CANDIDATE),
        "chosen": TEXT,
        "error": TEXT,
        "unseen": optional(NUMBER),
        "baseline": TEXT,
        "beaten": FLAG,
    }
)
_TRACKED = object_of(
    {
        "forecast": TEXT,
        "metric": TEXT,
        "made": DATE,
        "model": TEXT,
        "published": FLAG,
        "level": SHARE,
        "smape": optional(NUMBER),
        "bias": optional(NUMBER),
        "inside": COUNT,
        "days": list_of(object_of({**_POINT, "value": NUMBER})),
    }
)
_PLACEBOS = object_of({"pvalue": SHARE, "effects": list_of(optional(NUMBER))})
_IMPACT = object_of(
    {
        "impact": TEXT,
        "metric": TEXT,
        "match": map_of(list_of(TEXT)),
        "from": DATE,
        "to": DATE,
        "history": DATE,
        "controls": list_of(TEXT),
        "left_out": list_of(TEXT),
        "beside": list_of(TEXT),
        "trust": one_of("ok", "weak", "refused"),
        "reasons": list_of(TEXT),
        "found": FLAG,
        "visible": optional(NUMBER),
        "relative": optional(_INTERVAL),
        "cumulative": _INTERVAL,
        "average": _INTERVAL,
        "pvalue": SHARE,
        "placebos": object_of({"in_time": _PLACEBOS, "in_space": _PLACEBOS}),
        "holdout": object_of(
            {"passed": FLAG, **{name: optional(NUMBER) for name in ("coverage", "mape", "naive_mape")}}
        ),
        "second": optional(object_of({"relative": NUMBER, "disagrees": FLAG})),
        "differences": optional(
            object_of(
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
        "synthetic": optional(object_of({"relative": NUMBER, "fit": NUMBER, "pvalue": SHARE})),
        "course": list_of(object_of({"day": DATE, "value": optional(NUMBER)})),
        "days": list_of(
            object_of(
                {"day": DATE, **{name: optional(NUMBER) for name in ("value", "expected", "effect", "low", "high")}}
            )
        ),
    }
)

SCHEMAS: dict[str, Schema] = {
    "forecast run": answer({"forecasts": list_of({"anyOf": [_FORECAST, _REFUSED]})}),
    "forecast backtest": answer({"forecasts": list_of({"anyOf": [_COMPARED, _REFUSED]})}),
    "forecast track": answer({"forecast": TEXT, "runs": list_of(_TRACKED)}),
    "impact": answer({"impacts": list_of(_IMPACT), "errors": list_of(DIAGNOSTIC)}),
}
