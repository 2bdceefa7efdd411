"""`experiment`: the verdict of an experiment, why, and its effects."""

from __future__ import annotations

from datetime import date

from assay.config.block import ExperimentBlock
from assay.errors import WarehouseError
from assay.jobs.context import Context
from assay.jobs.experiments.analyze import analyze
from assay.jobs.experiments.readout import Course, Readout
from assay.jobs.outputs.blocks.setting import Setting
from assay.jobs.outputs.experiment_report import experiment_view
from assay.report import experiment as pages
from assay.report.views import BandFigure, BlockView


def view(context: Context, block: ExperimentBlock, setting: Setting) -> BlockView:
    """What `experiment analyze` says as of the morning after the day; a blocked experiment shows no effect."""
    spec = context.catalog.experiment(block.experiment).spec
    title = block.title or spec.label or block.experiment
    try:
        readout = analyze(context, block.experiment, setting.end)
    except WarehouseError as error:
        if error.diagnostics[0].code != "E511":
            raise
        return BlockView(title, words=(error.diagnostics[0].message,), kind="experiment")
    view = experiment_view(context.catalog, block.experiment, readout.as_dict(), readout.sql)
    words = tuple(pages.summary(view).splitlines())
    shown = readout.courses and readout.verdict.verdict != "blocked"
    figure = _figure(context, readout.courses[0], readout) if shown else None
    return BlockView(title, words=words, figure=figure, kind="experiment")


def _figure(context: Context, course: Course, readout: Readout) -> BandFigure:
    """The effect on the first metric, as it was known on each day, with the band of the sequential rule."""
    metric = context.catalog.metric(course.metric)
    days = [date.fromisoformat(point.day) for point in course.points]
    series = tuple((day, point.difference) for day, point in zip(days, course.points, strict=True))
    band = tuple((day, point.band_low, point.band_high) for day, point in zip(days, course.points, strict=True))
    title = f"{metric.label}: {course.variant} less control"
    return BandFigure(title, metric.spec.format, series, (), band, date.fromisoformat(readout.start))
