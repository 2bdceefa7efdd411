"""The table of blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from assay.config.block import Block
from assay.jobs.context import Context
from assay.jobs.outputs.blocks import (
    bars,
    cards,
    cohort,
    experiment,
    forecast,
    funnel,
    heatmap,
    investigate,
    lifecycle,
    line,
    table,
    text,
)
from assay.jobs.outputs.blocks.setting import Setting
from assay.report.views import BlockView

GATHER: dict[str, Callable[[Context, Any, Setting], BlockView]] = {
    "cards": cards.view,
    "line": line.view,
    "bars": bars.view,
    "table": table.view,
    "heatmap": heatmap.view,
    "cohort": cohort.view,
    "lifecycle": lifecycle.view,
    "funnel": funnel.view,
    "investigate": investigate.view,
    "experiment": experiment.view,
    "forecast": forecast.view,
    "text": text.view,
}


def gather(context: Context, block: Block, setting: Setting) -> BlockView:
    """What a block shows of one day, or of an earlier one that it names. Raises as the query behind it."""
    day = min(getattr(block, "until", None) or setting.day, setting.day)
    return GATHER[block.type](context, block, replace(setting, day=day))
