"""`funnel`: who goes how far through the steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from assay.config.block import FunnelBlock
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import news
from assay.jobs.outputs.blocks.series import Series, judged, line, words
from assay.jobs.outputs.blocks.setting import Setting
from assay.report.format import show, show_date
from assay.report.views import BarsFigure, BlockView

_BACK = 7  # days at most to one whose entities have had the time for all steps


def view(context: Context, block: FunnelBlock, setting: Setting) -> BlockView:
    """The share that reaches each step, beside the day compared with. Where the time for the steps of the day is not
    over yet, the newest day where it is stands for it."""
    metric = context.catalog.metric(block.metric)
    steps = {name: context.catalog.metric(f"{block.metric}.{name}") for name in metric.parts}
    found = judged(context, [each.name for each in steps.values()], setting)
    series = {name: found[each.name, ""] for name, each in steps.items()}
    seen = _newest(series, setting)
    lines = tuple(line(steps[name], words(name).capitalize(), each, seen) for name, each in series.items())
    rows = tuple((words(name), news.value(e, seen.day), news.value(e, seen.versus)) for name, e in series.items())
    title = block.title or metric.label
    figure = BarsFigure(title, metric.spec.format, rows) if any(value is not None for _, value, _ in rows) else None
    return BlockView(title, lines, _words(series, setting, seen), figure, kind="funnel")


def _newest(series: Mapping[str, Series], setting: Setting) -> Setting:
    for back in range(_BACK):
        day = setting.day - timedelta(days=back)
        if all(news.value(each, day) is not None for each in series.values()):
            return replace(setting, day=day)
        reasons = {each[day].reason or "" for each in series.values() if day in each}
        if not any(reason.startswith("not yet") for reason in reasons):
            break
    return setting


def _words(series: Mapping[str, Series], setting: Setting, seen: Setting) -> tuple[str, ...]:
    first = next(iter(series.values())).get(seen.day)
    began = first.denominator if first else None
    if began is None:
        return ()
    late = f" on {show_date(seen.day)}, the newest day whose steps are over" if seen.day < setting.day else ""
    return (f"{show(began)} began{late}.",)
