"""Blocks of a tab for a BI tool: which of them it can show, and what is said of the others."""

from __future__ import annotations

from collections.abc import Iterator

from assay.catalog.catalog import Catalog
from assay.compiler import dash
from assay.config.block import (
    Block,
    CohortBlock,
    ExperimentBlock,
    ForecastBlock,
    HeatmapBlock,
    LifecycleBlock,
    LineBlock,
    TableBlock,
    TextBlock,
)
from assay.jobs.outputs.boards.wide import Board
from assay.report.superset import Panel


def panels(catalog: Catalog, board: Board) -> tuple[Panel, ...]:
    """In their order, the cohorts of the tab after them; a block that comes twice, once."""
    found: dict[str, Panel] = {}
    for block in (*board.tab.blocks, *board.retentions):
        for panel in _panel(catalog, board, block):
            found.setdefault(panel.key, panel)
    return tuple(found.values())


def _panel(catalog: Catalog, board: Board, block: Block) -> Iterator[Panel]:
    if not _shown(board, block):
        return
    metrics = [catalog.metric(each) for each in block.shown]
    title = block.title or ", ".join(metric.label for metric in metrics)
    match block:
        case LifecycleBlock():
            yield Panel(block.type, title, (block.metric,))
        case CohortBlock():
            yield Panel(block.type, block.title or f"{title}, cohorts", (block.metric,), style=metrics[0].spec.format)
        case LineBlock() | HeatmapBlock() | TableBlock():
            columns = tuple(map(dash.column_name, metrics))
            by = block.by or ""
            named = title if block.title or not by else f"{title} by {by}"
            yield Panel(block.type, named, columns, by, block.top)


def _shown(board: Board, block: Block) -> bool:
    """Whether it has an equivalent: a kind of chart, and metrics that have its dimension."""
    by = getattr(block, "by", None)
    if isinstance(block, LifecycleBlock | CohortBlock):
        return True
    wide = isinstance(block, LineBlock | HeatmapBlock | TableBlock)
    return wide and (by is None or all(by in board.by[name] for name in block.shown))


def words(board: Board) -> tuple[str, ...]:
    """The texts of the tab, and what the site shows and a BI tool cannot."""
    texts = [_text(each) for each in board.tab.blocks if isinstance(each, TextBlock)]
    left = [each for each in board.tab.blocks if not isinstance(each, TextBlock) and not _shown(board, each)]
    told = [f"{each.title or _subject(each)} ({each.type})" for each in left]
    return (*texts, *([f"On the site, not here: {'; '.join(told)}."] if told else []))


def _text(block: TextBlock) -> str:
    return f"**{block.title}**\n\n{block.text}" if block.title else block.text


def _subject(block: Block) -> str:
    match block:
        case ExperimentBlock():
            return block.experiment
        case ForecastBlock():
            return block.forecast
    return ", ".join(block.shown)
