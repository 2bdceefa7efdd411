"""The statements of an experiment: the unit table is written once, and everything else is read from it.

Second moments come from the engine's numerically stable aggregates, already centred; raw sums of squares would lose
everything at a mean of 1e8.
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.compiler import zone
from assay.compiler.render import read, write
from assay.compiler.units import Face, Plan, Reading
from assay.statement import Statement

TABLE = "experiment_units"  # the first part of the name of a unit table
BUCKETS = 16_384


def statements(plan: Plan) -> tuple[Statement, ...]:
    """What an experiment runs, for people to read."""
    return create(plan, TABLE), moments(plan, TABLE)


def create(plan: Plan, table: str) -> Statement:
    """A table of our own with one row per exposed unit; its comment lets `sweep` find what a killed run left."""
    statement = write("experiment/create", f"units of {plan.experiment.name}", plan=plan, table=table)
    origin = plan.experiment.location
    return Statement(statement.sql, statement.purpose, plan.parameters, origin, writes=True, apart=plan.apart)


def counts(plan: Plan, table: str) -> Statement:
    """Columns: variant, first (day of the first exposure, from 0), n, and past: units with any event before the start.

    Units seen in more than one variant are rows of their own, named '(crossed)'.
    """
    return _read("experiment/counts", "units", plan, table)


def moments(plan: Plan, table: str, caps: Mapping[str, float] | None = None) -> Statement:
    """Columns: variant, dim, val, n, then s_<column> sums and c_<a>__<b> centred second moments.

    One row per variant (dim and val empty), and one per variant and value of each dimension. `caps` limit columns.
    """
    return _read("experiment/moments", "moments", plan, table, caps=caps or {})


def daily(plan: Plan, table: str, face: Face, caps: Mapping[str, float] | None = None) -> Statement:
    """As `moments`, by day (from 0) instead of slice: of each `day` alone, or of everything `until` it.

    Every unit counts from the day of its first exposure on, also where it did nothing.
    """
    return _read("experiment/daily", f"moments {face}", plan, table, face=face, caps=caps or {})


def caps(plan: Plan, table: str, names: list[str], share: float) -> Statement:
    """Columns: the quantile of each named column over all units, to which values above are pulled down."""
    return _read("experiment/caps", "thresholds of winsorizing", plan, table, {"share": share}, names=names)


def buckets(plan: Plan, table: str, salt: str, caps: Mapping[str, float], past: bool = False) -> Statement:
    """Columns: variant, bucket, n, and s_<column> sums. With `past`, of x_<column> over all variants together."""
    parameters: dict[str, float | str] = {"salt": salt, "buckets": BUCKETS}
    return _read("experiment/buckets", "hash buckets", plan, table, parameters, caps=caps, past=past)


def samples(plan: Plan, table: str, names: list[str]) -> Statement:
    """Columns: variant, and per name an array with one number per unit, in the order of the units."""
    return _read("experiment/samples", "values of units", plan, table, names=names)


def quotients(plan: Plan, table: str, reading: Reading, least: float, past: bool = False) -> Statement:
    """Columns: variant, numerator, denominator, units: how a quotient in 0..1 is spread over units.

    Units with a denominator under `least` say little about their quotient and are left out.
    """
    assert reading.quotient is not None, "only a quotient has a numerator and a denominator"
    above, below = (f"x_{name}" if past else name for name in reading.quotient)
    return _read(
        "experiment/quotients",
        f"distribution of {reading.metric.name}",
        plan,
        table,
        {"least": least},
        numerator=above,
        denominator=below,
    )


def assigned(plan: Plan) -> Statement:
    """Columns: variant, assigned, exposed: distinct units with any row of a variant, and those that were exposed."""
    parameters = zone.window(plan.start, plan.until, plan.zone)
    return read("experiment/assigned", f"exposure in {plan.experiment.name}", parameters,
                plan.experiment.location, plan=plan)  # fmt: skip


def _read(
    template: str,
    what: str,
    plan: Plan,
    table: str,
    parameters: Mapping[str, float | str] | None = None,
    **more: object,
) -> Statement:
    purpose = f"{what} of {plan.experiment.name}"
    return read(template, purpose, parameters or {}, plan.experiment.location, plan=plan, table=table, **more)
