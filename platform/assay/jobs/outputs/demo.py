"""`demo`: generate the demo product, run everything on it, and say in plain words what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from assay import demo
from assay.demo.events import FIRST_DAY, LAST_DAY, OUTAGE
from assay.jobs.alerts import alerting, findings
from assay.jobs.context import Context
from assay.jobs.experiments import analyze
from assay.jobs.forecasts import impacts, running
from assay.jobs.outputs import report, website
from assay.jobs.queries import query
from assay.jobs.runs import materialize
from assay.jobs.storage import source_states
from assay.report.format import change, show, show_signed

# The moments that the demo looks at; what it finds there comes from the data.
TICKS = ("2025-08-13T12:00", "2025-08-24T12:00", "2025-08-25T12:00", "2025-10-14T17:30")
REPORT_DAY = date(2025, 10, 6)


@dataclass(frozen=True, slots=True)
class Told:
    """What one step has to say: a heading and sentences."""

    title: str
    lines: tuple[str, ...]


def generate(context: Context, scale: float, database: str = "default") -> int:
    """Create and fill the two raw tables; returns the number of events. Raises UsageError E601 for a bad scale."""
    found = demo.statements(scale, context.seed, database, context.catalog.zone)
    for done, statement in enumerate(found):
        context.progress(done, len(found), statement.purpose)
        context.engine.run(statement)
    context.progress(len(found), len(found), "events are generated")
    raw = [name for name, source in context.catalog.definitions.sources.items() if source.spec.model is None]
    return sum(source_states.extent(context, name).rows for name in raw)


def tell(context: Context, scale: float) -> Iterator[Told]:
    """Run everything, step by step."""
    events = generate(context, scale)
    end = LAST_DAY + timedelta(days=1)
    built = materialize.run(context, start=FIRST_DAY, end=end)
    rows = sum(step.rows for step in built.steps if step.kind == "states")
    lines = [f"{events:,} events, {FIRST_DAY} to {LAST_DAY}, kept as {rows:,} metric states."]
    lines += [f"{step.name}: {step.reason}" for step in built.steps if step.status != "done"]
    yield Told("Data", tuple(lines))
    yield _drop(context)
    for name in context.catalog.definitions.experiments:
        yield _experiment(context, name)
    for tick in TICKS:
        yield _tick(context, datetime.fromisoformat(tick).replace(tzinfo=ZoneInfo(context.catalog.zone)))
    yield _forecasts(context)
    yield _impacts(context)
    yield _report(context)
    yield Told("Site", (f"open {website.build(context, LAST_DAY) / 'index.html'}",))


def _drop(context: Context) -> Told:
    """What happened on the day of the outage."""
    day = OUTAGE.first
    rows = query.query(context, ["dau", "feed_dau", "messenger_dau"], day - timedelta(days=1), day + timedelta(days=1))
    lines = []
    for before, after in zip(rows[::2], rows[1::2], strict=True):
        label = context.catalog.metric(before.metric).label
        moved = show_signed(change(before.value, after.value))
        lines.append(f"{label}: {show(before.value)} the day before, {show(after.value)} on the day ({moved}).")
    return Told(f"What happened on {day}", tuple(lines))


def _experiment(context: Context, name: str) -> Told:
    readout = analyze.analyze(context, name)
    label = context.catalog.definitions.experiments[name].spec.label or name
    return Told(f"Experiment '{label}': {readout.verdict.verdict.replace('_', ' ')}", readout.verdict.reasons)


def _tick(context: Context, at: datetime) -> Told:
    checked = alerting.check(replace(context, now=at), at)
    lines = [f"{each.state}: {each.sentence}" for each in checked.findings]
    lines += dict.fromkeys(findings.tell(cause) for each in checked.findings for cause in each.causes)
    lines += [f"sent to {_short(context, receipt.reference)}" for receipt in checked.receipts if receipt.reference]
    return Told(f"Alerts at {at:%Y-%m-%d %H:%M}", tuple(lines) or (f"quiet: {checked.evaluated} series are as usual.",))


def _forecasts(context: Context) -> Told:
    """The next days of every forecast, after the last day of the data."""
    lines = []
    for made in running.run(context):
        if isinstance(made, running.Refused):
            lines.append(f"{made.metric}: {made.error.diagnostics[0].message}")
            continue
        metric, first = context.catalog.metric(made.metric), made.points[0]
        mean, low, high = (show(each, metric.spec.format) for each in (first.mean, first.low, first.high))
        lines.append(
            f"{metric.label}: {mean} ({low} … {high}) on {first.day}, by {made.model}; {made.error.upper()} "
            f"{made.score:.1%} on the weeks before, where {made.baseline} has {made.baseline_score:.1%}"
        )
    return Told("Forecasts", tuple(lines))


def _impacts(context: Context) -> Told:
    """What the dated events did."""
    lines = []
    for name, each in context.catalog.definitions.impacts.items():
        found = impacts.estimate(context, name).impact
        effect = found.effect.relative
        value, low, high = (show_signed(part) for part in (effect.value, effect.low, effect.high))
        verdict = "an effect" if found.found else "no effect to tell from none"
        lines.append(f"{each.spec.label or name}: {verdict}, {value} ({low} … {high}); trust: {found.trust}")
    return Told("What events did", tuple(lines))


def _report(context: Context) -> Told:
    sent = report.send(context, "daily", REPORT_DAY)
    lines = [*sent.story, *sent.blocks[0].lines]
    lines += [f"sent to {_short(context, receipt.reference)}" for receipt in sent.receipts if receipt.reference]
    return Told(f"Daily report for {REPORT_DAY}", tuple(lines))


def _short(context: Context, path: str) -> str:
    """A path from the project's root, where it lies below."""
    found = Path(path)
    return str(found.relative_to(context.root)) if found.is_relative_to(context.root) else path
