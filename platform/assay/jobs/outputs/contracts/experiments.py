"""What commands on experiments print."""

from __future__ import annotations

from assay.jobs.outputs.contracts.shared import (
    COUNT,
    DATE,
    FLAG,
    MOMENT,
    NUMBER,
    SHARE,
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

_VERDICT = one_of("ship", "do_not_ship", "keep_running", "blocked")
_GATE = object_of({"name": TEXT, "status": one_of("pass", "warn", "fail"), "pvalue": optional(SHARE), "detail": TEXT})
_RESULT = object_of(
    {
        "metric": TEXT,
        "role": one_of("primary", "secondary", "guardrail"),
        "variant": TEXT,
        "method": TEXT,
        "estimand": TEXT,
        **{name: optional(NUMBER) for name in ("control", "treatment", "difference", "low", "high")},
        **{name: optional(NUMBER) for name in ("relative", "relative_low", "relative_high")},
        "pvalue": optional(SHARE),
        "pvalue_adjusted": optional(SHARE),
        "correction": TEXT,
        **{f"adjusted_{name}": optional(NUMBER) for name in ("low", "high", "relative_low", "relative_high")},
        "interval": TEXT,
        "warnings": list_of(TEXT),
        "n_control": COUNT,
        "n_treatment": COUNT,
        "variance_reduction": optional(NUMBER),
        "slice": optional(SLICE),
        "reason": optional(TEXT),
    }
)
_PRIMARY: Schema = {"metric": TEXT, "variant": TEXT}
_POINT = object_of(
    {
        "day": DATE,
        "units": COUNT,
        **{name: optional(NUMBER) for name in ("difference", "low", "high", "band_low", "band_high", "alone")},
        "stopped": FLAG,
    }
)
_PROGRESS = object_of({"units": COUNT, "days": COUNT, "planned_days": COUNT})
_HISTORY = object_of({"from": DATE, "to": DATE})
_CURVE = object_of(
    {"mde": NUMBER, "n_per_variant": COUNT, "n": map_of(COUNT), "days": optional(COUNT), "extrapolated": FLAG}
)
_LEVEL = object_of({"alpha": SHARE, "rate": SHARE, "low": SHARE, "high": SHARE})
# How alike the variants of a salt are; the imbalance is null when one of them is empty.
_BALANCE = object_of(
    {
        "salt": TEXT,
        "counts": map_of(COUNT),
        "srm": optional(SHARE),
        "imbalance": optional(NUMBER),
        "feature": optional(TEXT),
        "variant": optional(TEXT),
    }
)

SCHEMAS: dict[str, Schema] = {
    "experiment assign": answer(
        {
            "experiment": TEXT,
            "salt": TEXT,
            "layer": optional(TEXT),
            "traffic": object_of({"from": SHARE, "to": SHARE}),
            "units": list_of(object_of({"unit": TEXT, "variant": optional(TEXT)})),
        }
    ),
    "experiment salt": answer(
        {
            "experiment": TEXT,
            "history": object_of({"from": DATE, "to": DATE}),
            "units": COUNT,
            "best": _BALANCE,
            "present": _BALANCE,
            "median": NUMBER,
            "rank": optional(SHARE),
            "tried": COUNT,
            "rejected": COUNT,
            "features": list_of(TEXT),
            "skipped": list_of(TEXT),
            "notes": list_of(TEXT),
        }
    ),
    "experiment analyze": answer(
        {
            "experiment": TEXT,
            "window": object_of({"from": DATE, "to": DATE}),
            "units": map_of(COUNT),
            "gates": list_of(_GATE),
            "results": list_of(_RESULT),
            "verdict": _VERDICT,
            "variant": optional(TEXT),
            "reasons": list_of(TEXT),
            "planned_end": DATE,
            "progress": _PROGRESS,
            "interactions": list_of(object_of({**_PRIMARY, "dimension": TEXT, "pvalue_adjusted": optional(SHARE)})),
            "courses": list_of(object_of({**_PRIMARY, "rule": TEXT, "points": list_of(_POINT)})),
            "sensitivity": list_of(object_of({**_PRIMARY, "effect": {"type": "object"}})),
            "bayes": list_of(object_of({**_PRIMARY, "posterior": {"type": "object"}})),
            "distributions": list_of(
                object_of({"metric": TEXT, "edges": list_of(NUMBER), "shares": map_of(list_of(SHARE))})
            ),
            "settings": {"type": "object"},
            "hashes": map_of(TEXT),
        }
    ),
    "experiment design": answer(
        {
            "experiment": TEXT,
            "metric": TEXT,
            "history": _HISTORY,
            "mde": NUMBER,
            "alpha": SHARE,
            "power": SHARE,
            "baseline": object_of({"mean": NUMBER, "sd": NUMBER, "n_per_day": NUMBER}),
            "n_per_variant": COUNT,
            "days": optional(COUNT),
            "curve": list_of(_CURVE),
        }
    ),
    "experiment power": answer(
        {
            "experiment": TEXT,
            "metric": TEXT,
            "n": map_of(COUNT),
            "effect": NUMBER,
            "power": SHARE,
            "power_analytic": SHARE,
            "simulations": COUNT,
            "seconds": NUMBER,
            "curve": list_of(object_of({"effect": NUMBER, "n": COUNT, "power": SHARE})),
        }
    ),
    "experiment aa": answer(
        {
            "experiment": TEXT,
            "metric": TEXT,
            "history": _HISTORY,
            "replays": COUNT,
            "levels": list_of(_LEVEL),
            "ks_pvalue": SHARE,
            "verdict": one_of("healthy", "broken"),
            "causes": list_of(TEXT),
            "seconds": NUMBER,
        }
    ),
    "experiment history": answer(
        {
            "experiment": TEXT,
            "analyses": list_of(
                object_of(
                    {
                        "analysis": TEXT,
                        "at": MOMENT,
                        "first_day": DATE,
                        "until": DATE,
                        "verdict": _VERDICT,
                        "reasons": list_of(TEXT),
                        "seed": COUNT,
                        "version": TEXT,
                        "results": list_of(object_of({**_PRIMARY, "difference": optional(NUMBER), "meaning": TEXT})),
                    }
                )
            ),
        }
    ),
}
