"""From a metric's YAML to its series: one small function per metric type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import singledispatch
from typing import Any

from assay.catalog import algebra
from assay.catalog.lowering import Lowering
from assay.catalog.rows import Between, Gaps, PerEntity, Steps
from assay.catalog.series import (
    Arithmetic,
    Combine,
    Measure,
    Members,
    Node,
    Number,
    Quantile,
    Seen,
    Series,
    Set,
    Size,
    Total,
    Unfit,
    Window,
    leaves,
    plain,
    previous,
    rolled,
    shifted,
    whole,
)
from assay.config.metric import (
    CountMetric,
    DerivedMetric,
    FunnelMetric,
    GapMetric,
    LifecycleMetric,
    MeanMetric,
    NewMetric,
    QuantileMetric,
    RatioMetric,
    RetentionMetric,
    RollingMetric,
    SetMetric,
    SumMetric,
    UniqueMetric,
)

_DAY = timedelta(days=1)


@singledispatch
def lower(spec: object, _at: Lowering) -> Series:
    """The series of one metric type; a test lists the types without a case here."""
    raise TypeError(f"no lowering for {type(spec).__name__}")


@singledispatch
def parts(_spec: object, _at: Lowering) -> dict[str, Series]:
    """Part: series, for the types that have parts."""
    return {}


@lower.register
def _(_spec: CountMetric, at: Lowering) -> Series:
    return Total(at.measure("sum", "1"))


@lower.register
def _(spec: SumMetric, at: Lowering) -> Series:
    return Total(at.measure("sum", spec.value))


@lower.register
def _(spec: MeanMetric, at: Lowering) -> Series:
    total = Total(at.measure("sum", spec.value))  # first, so that a mistake shows what the user wrote
    return Arithmetic("/", total, Total(at.measure("sum", f"isNotNull({spec.value})")))


@lower.register
def _(spec: QuantileMetric, at: Lowering) -> Series:
    return Quantile(at.measure("digest", spec.value), spec.level)


@lower.register
def _(spec: UniqueMetric, at: Lowering) -> Series:
    return Size(Members(at.measure("unique", at.entity(spec.of), spec.of)))


@lower.register
def _(spec: FunnelMetric, at: Lowering) -> Series:
    return list(parts(spec, at).values())[-1]


@parts.register
def _(spec: FunnelMetric, at: Lowering) -> dict[str, Series]:
    """Step: the entities that reach it over those with the first step."""
    where, steps = at.condition(), [at.parse(text, "steps", name) for name, text in spec.steps.items()]
    if len({step.normal for step in steps}) < len(steps):
        raise at.refuse(
            "Two steps of the funnel have the same condition.",
            "One event would do both at once.",
            "Give each step its own condition; steps exclude one another.",
            "steps",
        )
    strict, seconds = spec.order == "strict", spec.within // timedelta(seconds=1)
    conditions = tuple(step.sql for step in steps)
    rows = Steps(at.entity(spec.of), where.sql if where else None, conditions, seconds, strict)
    common = [rows.entity, where.normal if where else "", *(step.normal for step in steps), str(seconds), spec.order]

    def reached(step: int) -> Series:
        expression = f"if(assay__step >= {step}, assay__entity, NULL)"
        return Size(Members(at.counting(spec.source, expression, spec.of, [*common, str(step)], rows)))

    return {name: Arithmetic("/", reached(step), reached(1)) for step, name in enumerate(spec.steps, start=1)}


@lower.register
def _(spec: GapMetric, at: Lowering) -> Series:
    where, entity = at.condition(), at.together(spec.of)
    condition, meaning = (where.sql, [entity, where.normal]) if where else (None, [entity, ""])
    rows: Gaps | Between = Gaps(entity, condition)
    if spec.first is not None and spec.then is not None:
        first, then = at.parse(spec.first, "first"), at.parse(spec.then, "then")
        rows, meaning = Between(entity, condition, first.sql, then.sql), [*meaning, first.normal, then.normal]

    def of_gaps(expression: str, kind: Any) -> Measure:
        return at.made(spec.source, kind, expression, ["gap", expression, *meaning], rows=rows)

    if spec.level is not None:
        return Quantile(of_gaps("assay__gap", "digest"), spec.level)
    return Arithmetic("/", Total(of_gaps("assay__gap", "sum")), Total(of_gaps("isNotNull(assay__gap)", "sum")))


@lower.register
def _(spec: RatioMetric, at: Lowering) -> Series:
    numerator, denominator = at.other(spec.numerator), at.other(spec.denominator)
    if spec.per is not None:
        return _per_entity(spec, spec.per, numerator, denominator, at)
    for field, part in (("numerator", numerator), ("denominator", denominator)):
        if not isinstance(part, Total | Size):
            raise at.refuse(
                f"The {field} '{getattr(spec, field)}' is not a count, a sum, a unique or a set.",
                "A ratio divides one total by another; a quotient of quotients has no clear meaning.",
                "Use the metrics behind it, or a 'derived' metric.",
                field,
            )
    return Arithmetic("/", numerator, denominator)


def _per_entity(spec: RatioMetric, entity: str, numerator: Series, denominator: Series, at: Lowering) -> Series:
    """The mean over entities of their own ratio; entities without a denominator have none."""
    over, under = (_events(part, field, at) for part, field in ((numerator, "numerator"), (denominator, "denominator")))
    if over.source != under.source:
        raise at.refuse(
            f"'{spec.numerator}' and '{spec.denominator}' are of the sources '{over.source}' and '{under.source}'.",
            "The ratio of one entity is made of rows of one source.",
            "Use metrics of one source, or leave out 'per'.",
            "per",
        )
    rows = PerEntity(
        at.entity(entity, over.source, "per"), (over.expression, over.where), (under.expression, under.where)
    )
    value, meaning = "assay__numerator / nullIf(assay__denominator, 0)", [rows.entity, over.meaning, under.meaning]
    total = Total(at.made(over.source, "sum", value, ["per", *meaning], rows=rows))
    counted = Total(at.made(over.source, "sum", f"isNotNull({value})", ["per count", *meaning], rows=rows))
    return Arithmetic("/", total, counted)


def _events(part: Series, field: str, at: Lowering) -> Measure:
    if isinstance(part, Total) and part.measure.rows is None and plain(part):
        return part.measure
    raise at.refuse(
        f"The {field} of a ratio per entity is not a count or a sum of events.",
        "Each entity's own ratio is made of its own events.",
        "Use metrics of type count or sum, or leave out 'per'.",
        field,
    )


@lower.register
def _(spec: SetMetric, at: Lowering) -> Series:
    series = Size(_folded(spec.expr, at, True, _Sets(at)))
    _same_entity(series, f"'{spec.expr}'", "expr", at)
    return series


@lower.register
def _(spec: NewMetric, at: Lowering) -> Series:
    entities = _one_period(spec.metric, "metric", at)
    return Size(Combine("-", entities, Seen(entities)))


@lower.register
def _(spec: RetentionMetric, at: Lowering) -> Series:
    cohort, returns = _members(spec.cohort, "cohort", at), _one_period(spec.returns, "returns", at)
    back = _attempt(lambda: rolled(Size(returns), Window(spec.day, _last_day(spec, at))), spec.returns, "returns", at)
    came_back = Size(Combine("&", cohort, whole(back.members)))
    series = Arithmetic("/", came_back, Size(cohort))
    _same_entity(series, "The cohort and the returns", "returns", at)
    if spec.at == "return":
        series = _attempt(lambda: shifted(series, -spec.day), spec.cohort, "at", at)
    return series


def _last_day(spec: RetentionMetric, at: Lowering) -> int:
    """The last day on which a return counts."""
    if spec.method == "classic" and spec.horizon is None:
        return spec.day
    if spec.method == "rolling" and spec.horizon and not spec.horizon % _DAY and spec.horizon.days >= spec.day:
        return spec.horizon.days
    raise at.refuse(
        f"The horizon does not fit to {spec.method} retention on day {spec.day}.",
        "Rolling retention waits for a return on `day` or later, up to its horizon; classic looks at one day.",
        "Write method: rolling, horizon: 14d with a horizon of whole days, not before `day`; or leave both out.",
        "horizon" if spec.horizon else "method",
    )


@lower.register
def _(spec: LifecycleMetric, at: Lowering) -> Series:
    return Size(_one_period(spec.metric, "metric", at))


@parts.register
def _(spec: LifecycleMetric, at: Lowering) -> dict[str, Series]:
    """active(t) = active(t-1) + new + resurrected - churned, by construction."""
    active = _one_period(spec.metric, "metric", at)
    before, seen = previous(active), Seen(active)
    retained = Combine("&", active, whole(before))
    new = Combine("-", active, seen)
    resurrected = Combine("-", Combine("&", active, seen), whole(before))
    churned = Size(Combine("-", before, whole(active)))
    came = Arithmetic("+", Size(new), Size(resurrected))
    return {
        "new": Size(new),
        "retained": Size(retained),
        "resurrected": Size(resurrected),
        "churned": churned,
        "inactive": Size(Combine("-", seen, whole(active))),
        "churn_rate": Arithmetic("/", churned, Size(before)),
        "quick_ratio": Arithmetic("/", came, churned),
    }


@lower.register
def _(spec: RollingMetric, at: Lowering) -> Series:
    if spec.window == "month_to_date":
        window = Window(unit="month")
    elif spec.window % _DAY:
        raise at.refuse(
            "A rolling window is a whole number of days.",
            "It merges stored daily states.",
            "Write it in days, such as 7d.",
            "window",
        )
    else:
        window = Window(1 - spec.window.days, 0)
    series: Series = _attempt(lambda: rolled(at.other(spec.metric), window), spec.metric, "metric", at)
    return series


@lower.register
def _(spec: DerivedMetric, at: Lowering) -> Series:
    series: Series = _folded(spec.expr, at, False, _Values(at))
    if not any(True for _ in leaves(series)):
        raise at.refuse(
            f"'{spec.expr}' names no metric.", "A constant has no series.", "Combine metrics by name.", "expr"
        )
    return series


@dataclass(frozen=True, slots=True)
class _Values:
    """Builds a series of an arithmetic expression."""

    at: Lowering

    def name(self, name: str) -> Series:
        return self.at.other(name)

    def number(self, value: float) -> Series:
        return Number(value)

    def join(self, op: Any, left: Series, right: Series) -> Series:
        return Arithmetic(op, left, right)

    def offset(self, value: Series, days: int) -> Any:
        return shifted(value, days)


@dataclass(frozen=True, slots=True)
class _Sets:
    """Builds a set of an expression of sets."""

    at: Lowering

    def name(self, name: str) -> Set:
        return _members(name, "expr", self.at)

    def number(self, _value: float) -> Set:
        raise algebra.BadAlgebra("numbers are not sets")

    def join(self, op: Any, left: Set, right: Set) -> Set:
        return Combine(op, left, right)

    def offset(self, value: Set, days: int) -> Any:
        return shifted(value, days)


def _folded(text: str, at: Lowering, sets: bool, builder: Any) -> Any:
    try:
        return algebra.fold(text, sets, builder)
    except (algebra.BadAlgebra, Unfit) as error:
        raise at.refuse(
            f"The expression '{text}' is not understood: {error}.",
            "It combines metrics by name.",
            "Write 'a | b' for a set, or 'a / b' for a derived metric.",
            "expr",
            code="E301" if isinstance(error, Unfit) else "E401",
        ) from error


def _attempt(make: Callable[[], Any], name: str, field: str, at: Lowering) -> Any:
    """What `make` makes; where the series has no such meaning, a mistake at `field`."""
    try:
        return make()
    except Unfit as error:
        raise at.refuse(
            f"'{name}' has no such reading: {error}.",
            "Merging its days would change what it means.",
            "Use the metric behind it.",
            field,
        ) from error


def _members(name: str, field: str, at: Lowering) -> Set:
    series = at.other(name)
    if isinstance(series, Size):
        return series.members
    raise at.refuse(
        f"'{name}' is not a set of entities.",
        "It must be known who is inside, which a count does not tell.",
        "Use metrics of type unique or set.",
        field,
    )


def _one_period(name: str, field: str, at: Lowering) -> Set:
    """The entities of a metric that reads one period only."""
    entities = _members(name, field, at)
    if plain(entities):
        return entities
    raise at.refuse(
        f"'{name}' reads more than its own day.",
        "Who is new, gone or back is told by comparing days with one another.",
        "Use the unique or set metric behind it.",
        field,
    )


def _same_entity(series: Node, what: str, field: str, at: Lowering) -> None:
    entities = sorted({leaf.measure.counts or "" for leaf in leaves(series)})
    if len(entities) > 1:
        raise at.refuse(
            f"{what} mixes the entities {' and '.join(entities)}.",
            "A set holds one kind of thing; two kinds have no members in common.",
            "Use unique metrics of one entity; `kind` of an entity tells that it is another one in a role.",
            field,
        )
