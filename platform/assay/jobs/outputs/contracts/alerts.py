"""What commands on alerts print."""

from __future__ import annotations

from assay.jobs.outputs.contracts.shared import (
    COUNT,
    DATE,
    DIAGNOSTIC,
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

_CAUSE = object_of({"by": map_of(list_of(TEXT)), "share": NUMBER, "before": NUMBER, "after": NUMBER})
_FINDING = object_of(
    {
        "alert": TEXT,
        "metric": TEXT,
        "by": SLICE,
        "state": one_of("pending", "firing", "resolved"),
        "since": MOMENT,
        **{name: optional(NUMBER) for name in ("value", "low", "high", "deviation", "change")},
        "severity": one_of("info", "warning", "critical"),
        "route": TEXT,
        "explained_by": list_of(_CAUSE),
        "message": TEXT,
    }
)
_SERIES: Schema = {"metric": TEXT, "by": SLICE}
_EPISODE = object_of(
    {
        **_SERIES,
        "about": one_of("anomaly", "no_data"),
        "start": MOMENT,
        "end": optional(MOMENT),
        "peak_deviation": optional(NUMBER),
        "change": optional(NUMBER),
        "told": FLAG,
        "quiet": list_of(TEXT),
    }
)
_RATES: Schema = dict.fromkeys(("alerts_per_week", "messages_per_week", "noise_per_metric_week"), NUMBER)
_VISIBLE = list_of(object_of({**_SERIES, "drop": optional(SHARE)}))
_BACKTEST: Schema = {
    "alert": TEXT,
    "from": DATE,
    "to": DATE,
    "points": COUNT,
    "weeks": NUMBER,
    "threshold": NUMBER,
    "incidents": list_of(_EPISODE),
    **_RATES,
    "messages": map_of(COUNT),
    "budget": optional(NUMBER),
    "over_budget": FLAG,
    "visible_in": TEXT,
    "visible_drop": _VISIBLE,
    "learning": list_of(object_of(_SERIES)),
    "without_power": list_of(TEXT),
    "against": optional(
        object_of(
            {"revision": TEXT, "rule": optional(object_of({**_RATES, "incidents": COUNT})), "reason": optional(TEXT)}
        )
    ),
}
_ACTION = answer(
    {
        **dict.fromkeys(("id", "kind", "target", "who", "why"), TEXT),
        **dict.fromkeys(("at", "from", "until"), MOMENT),
        "match": map_of(list_of(TEXT)),
    }
)
_SILENCE = object_of(
    {
        "id": TEXT,
        "state": one_of("holds", "pauses", "coming", "over", "lifted"),
        "match": map_of(list_of(TEXT)),
        "from": MOMENT,
        "to": MOMENT,
        "who": TEXT,
        "why": TEXT,
        "declared": TEXT,
    }
)
_INCIDENT = object_of(
    {
        "id": TEXT,
        "mark": TEXT,
        "alert": TEXT,
        "since": MOMENT,
        "severity": one_of("info", "warning", "critical"),
        "message": TEXT,
        "open": FLAG,
        "acknowledged": optional(TEXT),
        "snoozed": optional(MOMENT),
    }
)

SCHEMAS: dict[str, Schema] = {
    "alert check": answer(
        {
            "at": MOMENT,
            "evaluated": COUNT,
            "firing": list_of(_FINDING),
            "sent": COUNT,
            "suppressed": list_of(object_of({"reason": TEXT, "count": COUNT})),
            "failed": list_of(object_of({"alert": TEXT, **DIAGNOSTIC["properties"]})),
            "blocked": list_of(object_of({"alert": TEXT, **DIAGNOSTIC["properties"]})),
        }
    ),
    "alert backtest": answer({**_BACKTEST, "errors": list_of(DIAGNOSTIC)}),
    "alert backtest, several": answer({"alerts": list_of(object_of(_BACKTEST)), "errors": list_of(DIAGNOSTIC)}),
    "alert tune": answer(
        {
            "alert": TEXT,
            "from": DATE,
            "to": DATE,
            "per_week": NUMBER,
            "threshold": NUMBER,
            "reached": FLAG,
            "incidents": list_of(_EPISODE),
            **_RATES,
            "present": object_of({"threshold": NUMBER, **_RATES}),
            "visible_in": TEXT,
            "visible_drop": _VISIBLE,
            "yaml": optional(TEXT),
        }
    ),
    "alert open": answer({"at": MOMENT, "incidents": list_of(_INCIDENT)}),
    "alert silences": answer({"at": MOMENT, "silences": list_of(_SILENCE)}),
    **{f"alert {verb}": _ACTION for verb in ("ack", "snooze", "silence", "unsilence", "feedback")},
    "alert route": answer(
        {
            "deliveries": list_of(
                object_of({"route": TEXT, "channel": TEXT, "recipient": TEXT, "alerts": list_of(TEXT), "reason": TEXT})
            )
        }
    ),
}
