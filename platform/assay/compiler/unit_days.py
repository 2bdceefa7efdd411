"""An experiment from stored days: what its units did is added up, and no event is read twice.

    unit_days         every unit of a source, by whole days                  (built by `run`, see `states`)
    experiment_days   the exposed units of a day, with what those that enter on it did from their exposure to its end
    experiment_totals what every exposed unit had done by the end of a day; those of the newest two days are kept

A unit entered on its first day with an exposure. What it did since is what `experiment_days` holds of that day, and the
whole days after it; its past are the whole days before the start. The unit table is the one of `experiment.create`.

Who enters on a day depends on who entered before, and totals are those of a day before and what came since: so days are
filled in their order, and one that changes takes those after it with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any

from assay.catalog.expression import quote_literal
from assay.compiler import experiment, states, zone
from assay.compiler.render import read, render
from assay.compiler.states import Grain
from assay.compiler.units import Plan
from assay.statement import OWN, Statement, replace_partitions

EXPERIMENT, TOTALS = "experiment", "experiment totals"  # the rhythms under which days of experiments are remembered
TABLE = "experiment_totals"  # the first part of the name of a unit table over parts of that one


def refusal(plan: Plan) -> str | None:
    """Why stored days cannot answer, whatever is stored."""
    if plan.pool:
        return "history is read from events"
    if plan.funnels:
        names = [each.metric.name for each in plan.readings if not each.has_days]
        return f"days of a funnel do not add up ({', '.join(names)})"
    silent = [name for name in plan.measures if plan.spec.entity not in plan.catalog.source(name).spec.unit_days]
    return f"unit_days of {', '.join(silent)} has no {plan.spec.entity}" if silent else None


def grains(plan: Plan) -> list[Grain]:
    """What the plan reads of each source."""
    return [
        states.unit_grain(plan.catalog, source, plan.spec.entity, measures.values())
        for source, measures in plan.measures.items()
    ]


def fill(plan: Plan, stage: str, start: date, end: date, database: str) -> list[Statement]:
    """The exposures of the local days [start, end), written into a staging table; those before are stored.

    A table in between holds who was exposed when. Its name lets `sweep` find what a killed run left.
    """
    seen, window = f"{stage}_seen", zone.window(start, end, plan.zone) | {"first_day": plan.start, "new_day": start}
    return [
        _write(plan, "exposures", "seen_days", window, plan.apart, table=seen, database=database),
        _write(plan, "exposures", "fill_days", window, stage=stage, seen=seen, database=database),
        _drop(plan, seen),
    ]


def fingerprint(plan: Plan) -> str:
    """Changes with what the stored exposures depend on, and with nothing else: a hash of the first day and the SQL."""
    text = "\n".join(each.sql for each in fill(plan, "stage", plan.start, plan.until, "ours"))
    return blake2b(f"{plan.start}\n{text}".encode(), digest_size=8).hexdigest()


def check(plan: Plan, stage: str, start: date, end: date) -> Statement:
    """Its `failures` must be zero before the stage is published."""
    parameters = {"first": start, "last": end - timedelta(days=1)}
    return read("states/check_days", f"check exposures of {plan.experiment.name}", parameters, stage=stage)


def partitions(name: str, days: Sequence[date]) -> list[str]:
    """The SQL literals of the partitions of some days of an experiment."""
    return [f"({quote_literal(name)}, '{day}')" for day in days]


def fill_totals(plan: Plan, stage: str, prior: date, database: str) -> list[Statement]:
    """What units had done by the end of the plan's window, into a staging table, from the totals of the day `prior`.

    Of a day before the start there are none, and all of it is added up. A table in between holds who entered when.
    """
    entered, window = f"{stage}_entered", _window(plan) | {"prior": prior}
    past = {"before_day": plan.start - plan.past}
    before = (prior - plan.start).days + 1
    more = {"database": database, "exposures": entered, "before": before}
    return [
        _write(plan, "units", "exposures_from_days", window, OWN, table=entered, database=database),
        _write(plan, "units", "fill_totals", window | past, OWN, stage=stage, **more),
        _drop(plan, entered),
    ]


def meaning(plan: Plan) -> str:
    """Changes with what stored totals depend on, besides what is stored of single days."""
    parts = [fingerprint(plan), str(plan.past), *sorted(plan.tracked)]
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


def check_totals(plan: Plan, stage: str, database: str) -> Statement:
    """As `check`: every exposed unit of the window is there once."""
    what = f"check units of {plan.experiment.name}"
    return read("states/check_totals", what, _window(plan), stage=stage, database=database, name=plan.experiment.name)


def create(plan: Plan, table: str, database: str) -> list[Statement]:
    """The unit table: what is stored of the last day of the plan's window, as it is now, and without a copy."""
    (last,) = partitions(plan.experiment.name, [plan.until - timedelta(days=1)])
    return [
        _write(plan, "units", "create_over_totals", {}, table=table),
        replace_partitions(table, [last], f"{database}.experiment_totals", f"units of {plan.experiment.name}"),
    ]


def assigned(plan: Plan, database: str) -> Statement:
    """As `experiment.assigned`, from what is stored."""
    purpose = f"exposure in {plan.experiment.name}"
    return read("experiment/assigned_from_days", purpose, _window(plan), plan.experiment.location,
                plan=plan, database=database)  # fmt: skip


def statements(plan: Plan, database: str) -> tuple[Statement, ...]:
    """What an experiment runs, for people to read."""
    table = f"{database}.{TABLE}__stg_units"
    return (
        *fill(plan, f"{database}.experiment_days__stg_days", plan.start, plan.until, database),
        *fill_totals(plan, f"{database}.experiment_totals__stg_days", plan.start - timedelta(days=1), database),
        *create(plan, table, database),
        experiment.moments(plan, table),
    )


def _window(plan: Plan) -> dict[str, date]:
    return {"first_day": plan.start, "after": plan.until}


def _write(
    plan: Plan, what: str, template: str, parameters: Mapping[str, Any], apart: str | None = None, **more: Any
) -> Statement:
    known = sorted({each for measures in plan.measures.values() for each in measures})
    place = {each: at for at, each in enumerate(known, 1)}
    tracked = {each: at for at, each in enumerate((each for each in known if each in plan.tracked), 1)}
    sql = render(f"experiment/{template}", plan=plan, place=place, tracked=tracked, **more)
    origin = plan.experiment.location
    return Statement(sql, f"{what} of {plan.experiment.name}", parameters, origin, writes=True, apart=apart)


def _drop(plan: Plan, table: str) -> Statement:
    return Statement(f"DROP TABLE IF EXISTS {table} SYNC", f"units of {plan.experiment.name}", writes=True)
