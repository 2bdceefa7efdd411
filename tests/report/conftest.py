"""Sample views with the numbers of one day of a small product."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from assay.report.format import Good, Style
from assay.report.views import (
    AlertView,
    BandFigure,
    BarsFigure,
    CardView,
    CheckView,
    ExperimentView,
    Figure,
    LinesFigure,
    MarkView,
    MatrixFigure,
    MetricText,
    MetricView,
    Panel,
    PanelsFigure,
    Point,
    QualityView,
    SiteView,
    StackFigure,
    StoredView,
    TableView,
    TabView,
    WatchView,
)

DAY = date(2025, 10, 2)
_CARDS: tuple[tuple[str, str, float | None, Style, float | None, Good | None], ...] = (
    ("dau", "Total users", 16_612, "number", 15_821, None),
    ("feed_only_dau", "Feed only", 14_905, "number", 14_195, None),
    ("both_services_dau", "Both services", 206, "number", 219, "up"),
    ("new_users", "New users", 923, "number", 879, "up"),
    ("retention_d7", "Retention, day 7", 0.303, "percent", 0.309, "up"),
    ("ctr", "Like rate", 0.225, "percent", 0.2163, "up"),
    ("messages_per_sender", "Messages per sender", 5.68, "number", 5.68, "up"),
    ("view_to_like", "View to like", 30.8, "minutes", 33.1, "down"),
    ("views", "Views", 408_900, "number", 601_300, "up"),
    ("freshness", "Freshness", None, "seconds", None, "down"),
)
_SQL = """-- metrics/feed.yaml:4 ctr
SELECT toDate(time, 'Europe/Moscow') AS day,
       countIf(action = 'like') / countIf(action = 'view') AS ctr
FROM feed_actions
WHERE time >= {from:DateTime} AND time < {to:DateTime}
GROUP BY day
ORDER BY day"""


def wave(level: float, days: int = 31, phase: float = 0.0) -> tuple[Point, ...]:
    """A weekly wave that ends at a level, one gap included."""
    shape = [1 + 0.05 * math.sin(2 * math.pi * index / 7 + phase) + 0.004 * index for index in range(days)]
    values = [level * each / shape[-1] for each in shape]
    return tuple(
        (DAY - timedelta(days - 1 - index), None if index == 11 else value) for index, value in enumerate(values)
    )


def card(
    metric: str, label: str, value: float | None, style: Style, before: float | None, good: Good | None
) -> CardView:
    """A card whose series ends at its value."""
    series = wave(value) if value else ()
    earlier = wave(value * 0.95, phase=1.2) if value else ()
    return CardView(metric, label, value, style, before, good, series, earlier, f"{label} of the last full day.")


def breakdown(dimension: str, label: str, values: tuple[str, ...]) -> TableView:
    metrics: tuple[tuple[str, str, Style], ...] = (
        ("dau", "Total users", "number"),
        ("new_users", "New users", "number"),
        ("ctr", "Like rate", "percent"),
        ("retention_d7", "Retention, day 7", "percent"),
        ("messages_per_sender", "Messages per sender", "number"),
    )
    rows = tuple(
        (
            value,
            (
                16_612 * 0.45**index,
                923 * 0.5**index,
                0.225 - 0.004 * index,
                0.33 - 0.05 * index,
                None if index == 2 else 5.7,
            ),
        )
        for index, value in enumerate(values)
    )
    return TableView(dimension, label, metrics, rows)


_READERS = (("tab", "app"), ("experiment", "similar_users"), ("alert", "feed_15m"), ("report", "daily"))


def metric(name: str, label: str, level: float | None, style: Style, good: Good | None) -> MetricView:
    return MetricView(
        name=name,
        label=label,
        description=f"{label}: what one counts on one day, everywhere alike.",
        type="ratio" if style == "percent" else "unique",
        format=style,
        good=good,
        owner="feed-team",
        path="metrics/feed.yaml",
        line=4,
        definition=f"{name}:\n  type: ratio\n  numerator: likes\n  denominator: views\n  label: {label}\n  good: up",
        sql=_SQL,
        series=wave(level, 60) if level else (),
        used_by=_READERS,
        tier=1,
        sources=("feed",),
        lineage=((("source", "feed"), ("metric", name)), *((("metric", name), reader) for reader in _READERS)),
    )


def result(metric: str, role: str, lift: float, half: float, pvalue: float, **more: object) -> dict[str, object]:
    """One entry of `results` of `experiment analyze`; the interval is lift ± half, and 1.2 times that when adjusted."""
    level = {"ctr": 0.2098, "views": 67.0, "likes": 14.1}.get(metric, 1.0)
    (low, high), (far_low, far_high) = ((lift - reach, lift + reach) for reach in (half, 1.2 * half))
    return {
        "metric": metric, "role": role, "variant": "treatment", "method": "welch", "estimand": "mean",
        "control": level, "treatment": level * (1 + lift), "difference": level * lift,
        "low": level * low, "high": level * high, "relative": lift, "relative_low": low, "relative_high": high,
        "pvalue": pvalue, "se": level * half / 1.96, "df": 19_826.0, "n_control": 9951, "n_treatment": 9877,
        "variance_reduction": 0.12, "reason": None, "alpha": 0.05, "interval": "t", "seed": None, "warnings": (),
        "pvalue_adjusted": min(1.0, 2 * pvalue), "correction": "holm", "margin": None, "good": "up", "slice": None,
        "adjusted_low": level * far_low, "adjusted_high": level * far_high,
        "adjusted_relative_low": far_low, "adjusted_relative_high": far_high, **more,
    }  # fmt: skip


def course(rule: str = "none") -> dict[str, object]:
    """Seven days of one effect; the band leaves zero on the fourth."""
    points = [
        {
            "day": f"2025-08-0{2 + at}", "units": 2_800 * (at + 1), "difference": 0.016, "low": 0.016 - 0.01 / (at + 1),
            "high": 0.016 + 0.01 / (at + 1), "band_low": 0.016 - 0.06 / (at + 1), "band_high": 0.016 + 0.06 / (at + 1),
            "pvalue": 0.5 / 4**at, "stopped": at >= 3, "alone": None if at == 2 else 0.016 + 0.002 * (-1) ** at,
            "alone_low": 0.006, "alone_high": 0.026,
        }
        for at in range(7)
    ]  # fmt: skip
    novelty = {"pvalue": 0.2, "slope": 0.0, "se": 0.1, "first": 0.02, "last": 0.01, "fading": True, "reason": None}
    return {"metric": "ctr", "variant": "treatment", "rule": rule, "points": points, "novelty": novelty}


def readout(verdict: str = "ship") -> dict[str, Any]:
    """The mapping of `experiment analyze`; a blocked one has two hills under treatment."""
    dip = {"status": "fail", "pvalue": 0.0003} if verdict == "blocked" else {"status": "pass", "pvalue": 0.41}
    reasons = {
        "ship": ("Like rate rose by 7.8 % [6.7 %, 8.9 %], adjusted p < 0.001.", "No guardrail was crossed."),
        "blocked": ("The like rate per user has two peaks under treatment and one under control.",),
    }[verdict]
    none = {"difference": None, "low": None, "high": None, "relative": None, "relative_low": None, "reason": "one unit"}
    none |= {"relative_high": None, "adjusted_low": None, "adjusted_high": None, "adjusted_relative_low": None}
    missing = none | {"adjusted_relative_high": None, "pvalue": None, "pvalue_adjusted": None, "se": None}
    effects = [{**result("ctr", "primary", 0.078, half, 0.001), "method": name} for name, half in _HALVES.items()]
    return {
        "schema": 1, "experiment": "similar_users", "window": {"from": "2025-08-02", "to": "2025-08-09"},
        "planned_end": "2025-08-09", "units": {"control": 9951, "treatment": 9877},
        "gates": [
            {"name": "srm", "status": "pass", "pvalue": 0.62, "detail": "9,951 and 9,877 units; 50 / 50 was planned."},
            {"name": "crossovers", "status": "pass", "pvalue": None, "detail": "No unit saw both variants."},
            {"name": "aa", "status": "warn", "pvalue": 0.048, "detail": "The A/A week was at the edge."},
            {"name": "distribution", **dip, "detail": "Hartigan's dip test."},
        ],
        "results": [
            result("ctr", "primary", 0.0782, 0.011, 1e-9),
            result("likes", "secondary", 0.071, 0.018, 0.0001),
            result("views", "guardrail", -0.004, 0.017, 0.61, margin=-0.02),
            result("messages", "guardrail", 0.0, 0.0, 1.0) | missing,
            result("ctr", "primary", 0.081, 0.015, 1e-7, slice={"os": "Android"}),
            result("ctr", "primary", 0.069, 0.021, 0.0004, slice={"os": "iOS"}),
        ],
        "verdict": verdict, "variant": "treatment" if verdict == "ship" else None, "reasons": reasons,
        "progress": {
            "units": 19_828, "days": 7, "planned_days": 7, "planned_units": None, "sequential": "none", "power": 0.9,
        },
        "interactions": [
            {"metric": "ctr", "variant": "treatment", "dimension": "os", "pvalue": 0.36, "pvalue_adjusted": 0.36,
             "odd": None, "reason": None},
        ],
        "courses": [course()],
        "sensitivity": [{"metric": "ctr", "variant": "treatment", "effect": each} for each in effects],
        "bayes": [{"metric": "ctr", "variant": "treatment", "posterior": {
            "mean": 0.016, "sd": 0.001, "low": 0.014, "high": 0.018, "chance_to_win": 0.9996, "expected_loss": 1e-9,
            "expected_loss_control": 0.016, "rope": None, "reason": None}}],
        "distributions": [{"metric": "ctr", "edges": (0.0, 0.1, 0.2, 0.3, 0.4), "shares": {
            "control": (0.1, 0.5, 0.3, 0.1), "treatment": (0.4, 0.1, 0.4, 0.1)}}],
        "settings": {"test": "welch", "correction": "holm", "relative": "delta", "cuped": "14d", "sequential": "none",
                     "by": ["os"], "alpha": 0.05, "decision": "any_primary", "seed": 20250706},
        "hashes": {"ctr": "f0ce6bea32daac61"},
    }  # fmt: skip


_HALVES = {"delta": 0.011, "linearization": 0.012, "bootstrap": 0.0115}


def experiment(name: str = "similar_users", verdict: str = "ship") -> ExperimentView:
    return ExperimentView(
        name=name,
        label=name.replace("_", " ").capitalize(),
        hypothesis="Posts liked by similar users raise the like rate by at least one point.",
        owner="ml-team",
        readout=readout(verdict),
        metrics={
            "ctr": MetricText("Like rate", "percent", "up"),
            "likes": MetricText("Likes", "number", "up"),
            "views": MetricText("Views", "number", "up"),
        },
        mde=0.01,
        sql=(_SQL,),
    )


def alert() -> AlertView:
    firing = {
        "alert": "feed_15m", "metric": "views", "by": {"city": "Moscow"}, "state": "firing",
        "since": "2025-10-02T10:15:00+03:00", "value": 298.0, "low": 488.0, "high": 715.0, "deviation": -0.389,
        "change": -0.512, "severity": "critical", "route": "feed_oncall",
        "explained_by": [
            {"by": {"city": "Moscow"}, "share": 0.71, "before": 410.0, "after": 120.0},
            {"by": {"city": "Samara"}, "share": 0.18, "before": 96.0, "after": 22.0},
        ],
        "message": "Views in Moscow are 38.9 % below the expected range.",
    }  # fmt: skip
    silent = firing | {
        "by": {}, "state": "resolved", "since": "2025-09-24T03:00:00+03:00",
        "ended": "2025-09-24T06:00:00+03:00", "value": None, "deviation": None,
        "change": None, "explained_by": [], "message": "No views arrived for 45 minutes.",
    }  # fmt: skip
    return AlertView(
        name="feed_15m",
        metrics=("views", "ctr"),
        every="15m",
        by=("city", "os"),
        severity="critical",
        route="feed_oncall",
        description="A feed that stops is seen within half an hour.",
        incidents=(firing, silent),
        watched=(watch(),),
    )


def watch() -> WatchView:
    """Four days of quarters of an hour: 100, 101, …; the second slot is missing, and no slot after the first day is
    expected to be anything."""
    start = datetime(2025, 9, 29, tzinfo=ZoneInfo("Europe/Moscow"))
    moments = [start + timedelta(minutes=15 * at) for at in range(4 * 96)]
    series = tuple((moment, None if at == 1 else 100.0 + at) for at, moment in enumerate(moments))
    band = tuple((moment, 90.0, 300.0) if at < 96 else (moment, None, None) for at, moment in enumerate(moments))
    return WatchView("views", "Views", "number", series, band)


def quality() -> QualityView:
    """A whole source that lacks two days, and one that was never built; a check that failed."""
    built = datetime(2025, 10, 3, 3, tzinfo=ZoneInfo("Europe/Moscow"))
    gaps = ((date(2025, 9, 4), date(2025, 9, 5)),)
    feed = StoredView("source", "feed", "feed-team", "6h", 1, date(2025, 8, 1), DAY, True, built, gaps, True)
    nothing = StoredView("model", "users", None, None, 0, None, None, False, None)
    failed = CheckView("source", "feed", "not_null", "error", "2025-09-30", 3.0, "3 rows without a time")
    return QualityView((feed, nothing), (failed,), 41, 2, 30)


@pytest.fixture
def shipped() -> ExperimentView:
    """A healthy experiment, with a guardrail that has no value."""
    return experiment()


@pytest.fixture
def blocked() -> ExperimentView:
    """One whose verdict is withheld."""
    return experiment("ranking", "blocked")


def _days(first: int, last: int) -> tuple[datetime, datetime]:
    """Two midnights in September."""
    start, end = (datetime(2025, 9, day, tzinfo=ZoneInfo("Europe/Moscow")) for day in (first, last))
    return start, end


@pytest.fixture
def site() -> SiteView:
    """Two tabs, ten metrics, a shipped and a blocked experiment, a firing and a quiet alert."""
    cards = tuple(card(*each) for each in _CARDS)
    tables = (
        breakdown("gender", "Gender", ("female", "male")),
        breakdown("country", "Country", ("Russia", "Ukraine", "Belarus", "Kazakhstan", "Finland")),
    )
    return SiteView(
        project="Assay demo",
        day=DAY,
        timezone="Europe/Moscow",
        tabs=(
            TabView("app", "App overview", DAY, cards, tables),
            TabView("feed", "Feed deep dive", DAY, cards[5:], tables[:1]),
        ),
        metrics=tuple(metric(name, label, value, style, good) for name, label, value, style, _, good in _CARDS),
        experiments=(experiment(), experiment("ranking", "blocked")),
        alerts=(alert(), replace(alert(), name="messenger_15m", incidents=(), watched=())),
        quality=quality(),
        calendar=(
            MarkView("event", "A campaign", *_days(9, 12), "source = ads"),
            MarkView("silence", "Move", *_days(1, 2)),
        ),
        version="0.1.0",
    )


@pytest.fixture
def figures_of(site: SiteView) -> Callable[[str], list[Figure]]:
    """Figures of every kind, full and empty ones, with a name in them that one chooses."""
    days = [site.day - timedelta(days=back) for back in reversed(range(9))]
    series: tuple[Point, ...] = tuple((each, None if at == 4 else 10.0 * at) for at, each in enumerate(days))
    band = tuple((each, 5.0, 90.0) for each in days[-3:])
    nothing: tuple[Point, ...] = tuple((each, None) for each in days)
    return lambda odd: [
        PanelsFigure((Panel(odd, "percent", series, series), Panel(odd, "number", nothing))),
        LinesFigure(odd, "number", tuple((f"{odd} {at}", series) for at in range(20)), ((odd, days[0], days[2]),)),
        LinesFigure(odd, "number", ()),
        BarsFigure(odd, "number", ((odd, 3.0, 4.0), ("none", None, 5.0), ("below", -3.0, None))),
        BarsFigure(odd, "number", ()),
        StackFigure(odd, tuple(days), ((odd, (1.0, None) * 4 + (2.0,)), ("left", (-1.0,) * 9))),
        StackFigure(odd, (), ()),
        MatrixFigure(odd, "percent", ("a", odd), ((odd, (0.5, None)),), ((1.0, None),), ((odd, "why"),)),
        MatrixFigure(odd, "number", (), (), ()),
        BandFigure(odd, "number", series, series[-3:], band, days[-3]),
        BandFigure(odd, "number", nothing, (), (), site.day),
    ]
