"""The story of a day in a few sentences: what moved, why, what is running, what is forecast. Reports begin with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from assay.compiler import zone
from assay.compiler.investigate import shape
from assay.config.report import ReportSpec
from assay.errors import AssayError
from assay.jobs.alerts import memory
from assay.jobs.alerts.rule import Rule
from assay.jobs.context import Context
from assay.jobs.forecasts import store
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.investigate import standing_out
from assay.jobs.outputs.blocks.series import Series, judged, span, words
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.queries.investigate import investigate
from assay.jobs.queries.investigation import Investigation
from assay.jobs.storage import builds
from assay.report.format import show, show_date, show_day, show_signed

_TOLD = 4  # numbers and incidents that are named; the others are counted
_LAST = 9  # after every tier


def story(context: Context, spec: ReportSpec, setting: Setting) -> tuple[str, ...]:
    """Two to six sentences about the totals of a report; each is left out where there is nothing to say."""
    names = list(dict.fromkeys(name for block in spec.blocks for name in block.shown))
    found = {name: each for (name, _), each in judged(context, names, setting).items()} if names else {}
    return (*_moves(context, found, setting), *_running(context, setting), *_forecast(context, names, setting))


def _moves(context: Context, found: dict[str, Series], setting: Setting) -> Iterator[str]:
    known = {name: each for name, each in found.items() if news.value(each, setting.day) is not None}
    if found and not known:
        yield f"There is no data for {show_day(setting.day)}."
        return
    moved = {name: each for name in known if (each := news.moved(found[name], setting.day, setting.compare))}
    odd = _by_weight(context, {name: each for name, each in moved.items() if each.news})
    if odd:
        yield _odd(context, found, odd, setting)
        yield from _why(context, [name for name in found if name in odd], setting)
    elif judged_ := sum(each.usual is not None for each in moved.values()):
        yield f"An ordinary day: {_none_of(judged_)} moved beyond its usual range."
    elif moved:
        yield "There is too little history to say what is usual."
    missing = [context.catalog.metric(name).label for name in found if name not in known]
    if missing:
        yield f"No data for {_listed(missing)}."


def _none_of(count: int) -> str:
    return "the one number" if count == 1 else f"none of {count} numbers"


def _by_weight(context: Context, odd: dict[str, news.Moved]) -> dict[str, news.Moved]:
    """First the metrics of the first tier, which are watched daily; those that left their range the farthest first."""
    tiers = {name: context.catalog.metric(name).spec.tier or _LAST for name in odd}
    return {name: odd[name] for name in sorted(odd, key=lambda name: (tiers[name], -odd[name].strength))}


def _odd(context: Context, found: dict[str, Series], odd: dict[str, news.Moved], setting: Setting) -> str:
    told = []
    for name, each in odd.items():
        metric = context.catalog.metric(name)
        value = show(news.value(found[name], setting.day), metric.spec.format)
        usual = f" (usually {_range(each)})" if each.usual else ""
        told.append(f"{metric.label} {show_signed(each.share)} to {value}{usual}")
    return f"Beyond the usual range: {_listed(told, '; ')}."


def _range(moved: news.Moved) -> str:
    assert moved.usual is not None, "news has a usual range"
    low, high = map(show_signed, moved.usual)
    return f"{low} to {high}"


def _listed(texts: Sequence[str], between: str = ", ") -> str:
    more = len(texts) - _TOLD
    return between.join(texts[:_TOLD]) + (f"{between}and {more} more" if more > 0 else "")


def _why(context: Context, odd: Sequence[str], setting: Setting) -> Iterator[str]:
    """What explains the first number of the report that slices explain; or that none does."""
    silent = []
    for name in odd[:_TOLD]:
        found = _investigated(context, name, setting)
        if found and found.segments:
            yield standing_out(found)
            return
        silent += [found.metric.label] if found else []
    if silent:
        yield f"No slice stands out in {_listed(silent)}, against the same weekday of four weeks."


def _investigated(context: Context, name: str, setting: Setting) -> Investigation | None:
    """None for a number that slices do not add up to, and for a day that cannot be compared."""
    if shape(context.catalog.metric(name).series) is None:
        return None
    try:
        return investigate(context, name, setting.day)
    except AssayError:
        return None


def _running(context: Context, setting: Setting) -> Iterator[str]:
    """Experiments, dated events, silences and incidents that meet the day."""
    running = list(_experiments(context, setting.day))
    if running:
        yield f"Running: {_listed(running)}."
    events = list(_events(context, setting.day))
    if events:
        yield f"On the calendar: {_listed(events)}."
    before = list(_events(context, setting.versus))
    if before:
        yield f"Compared with {show_date(setting.versus)}, a day of: {_listed(before)}."
    incidents = list(_incidents(context, setting.day))
    if incidents:
        yield f"Alerts: {_listed(incidents, '; ')}."


def _experiments(context: Context, day: date) -> Iterator[str]:
    for name, each in context.catalog.definitions.experiments.items():
        if each.spec.start <= day < each.spec.end:
            at, days = (day - each.spec.start).days + 1, (each.spec.end - each.spec.start).days
            yield f"experiment '{each.spec.label or name}', day {at} of {days}"


def _events(context: Context, day: date) -> Iterator[str]:
    for name, event in context.catalog.definitions.events.items():
        start, end = span(event.spec)
        if start <= day < end:
            yield event.spec.label or words(name).capitalize()
    for name, silence in context.catalog.definitions.silences.items():
        start, end = span(silence.spec)
        if start <= day < end:
            yield f"silence '{silence.spec.label or name}' ({silence.spec.why})"


def _incidents(context: Context, day: date) -> Iterator[str]:
    """Alerts that told somebody of what began on the day or was still open at its end, where the day was judged."""
    builds.prepare(context)
    end = zone.midnight(day, context.catalog.zone, after=1)
    for name, alert in context.catalog.definitions.alerts.items():
        timeline = Rule(context, alert).timeline
        judged_at = memory.read(context, name, timeline.first(day) + timeline.per_day - 1).judged
        if judged_at is None or timeline.day(judged_at) < day:
            continue
        episodes = [each for each in memory.episodes(context, name, end) if each["told"] and _meets(each, day)]
        if episodes:
            more = f" and {len(episodes) - 1} more" if len(episodes) > 1 else ""
            yield f"{alert.spec.label or name}, {episodes[-1]['message']}{more}"


def _meets(episode: Mapping[str, Any], day: date) -> bool:
    return str(episode["since"])[:10] == str(day) or episode["state"] != "resolved"


def _forecast(context: Context, names: Sequence[str], setting: Setting) -> Iterator[str]:
    """The next day of the report's numbers, as far as somebody has forecast it."""
    told = []
    for name in names:
        runs = [run for run in store.published(context, name) if run.made <= setting.end]
        point = next((each for run in reversed(runs) for each in run.points if each.day == setting.end), None)
        if point:
            metric = context.catalog.metric(name)
            mean, low, high = (show(each, metric.spec.format) for each in (point.mean, point.low, point.high))
            told.append(f"{metric.label} {mean} ({low} to {high})")
    if told:
        yield f"Forecast for {show_date(setting.end)}: {_listed(told, '; ')}."
