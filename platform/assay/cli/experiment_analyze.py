"""`experiment analyze`: the read-out on a terminal, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common

if TYPE_CHECKING:
    from assay.jobs.experiments.readout import Readout
    from assay.stats import Effect


@click.command("analyze")
@click.argument("name")
@common.until_option
@common.format_option("text", "json")
@common.project_option
@common.command
def command(name: str, until: date | None, format: str, project: Path) -> None:
    """The read-out of the experiment NAME: gates, effects, and a verdict with its reasons. It is stored."""
    from assay.jobs.experiments.analyze import analyze as run
    from assay.jobs.experiments.history import record

    with common.session(project, show=False) as context:
        readout = run(context, name, until)
        record(context, readout)
    if format == "json":
        common.print_json(readout.as_dict())
    else:
        click.echo(text(readout))


def text(readout: Readout) -> str:
    """The read-out for a terminal."""
    parts = [_head(readout), _gates(readout)]
    if readout.verdict.verdict == "blocked":
        parts.append("Withheld, for diagnosis only: do not act on these effects.")
    parts += [_results(readout), _slices(readout), _others(readout)]
    parts += _beliefs(readout) if readout.verdict.verdict != "blocked" else []
    told = [f"Verdict: {readout.verdict.verdict.replace('_', ' ')}", *(f"  {each}" for each in readout.verdict.reasons)]
    return "\n\n".join([each for each in parts if each] + ["\n".join(told)])


def _head(readout: Readout) -> str:
    units = ", ".join(f"{name} {count:,}" for name, count in readout.units.items())
    running = "" if readout.until == readout.end else f" (planned until {readout.end})"
    told = f"{readout.experiment}, {readout.start} to {readout.until}{running}: {units}"
    return f"{told}\nunits from {readout.path}" if readout.path else told


def _gates(readout: Readout) -> str:
    from assay.report.format import show_p

    rows = [(gate.status, gate.name, show_p(gate.pvalue) if gate.pvalue is not None else "", gate.detail)
            for gate in readout.gates]  # fmt: skip
    return _table(("gate", "name", "p", "detail"), rows)


def _results(readout: Readout) -> str:
    rows = [
        (result.role, result.metric, result.variant, *_effect(result.judged, result.pvalue_adjusted))
        for result in readout.results
    ]
    return _table(("role", "metric", "variant", "change", *_columns(readout)), rows)


def _slices(readout: Readout) -> str:
    """Effects by slice, where the dimensions that differ are told."""
    rows = [
        (*dict(each.slice or {}).popitem(), each.result.metric, each.result.variant,
         *_effect(each.result.effect, each.result.pvalue_adjusted))
        for each in readout.slices
    ]  # fmt: skip
    odd = [
        f"The effect on {each.metric} of {each.variant} differs by {each.dimension} (p = {each.pvalue_adjusted:.2g})."
        for each in readout.interactions
        if each.pvalue_adjusted is not None and each.pvalue_adjusted < readout.alpha
    ]
    if not rows:
        return ""
    told = odd or ["No dimension shows effects that differ; p-values of slices hold the false discovery rate."]
    head = ("dimension", "value", "metric", "variant", "change", *_columns(readout))
    return "\n".join([_table(head, rows), "", *told])


def _others(readout: Readout) -> str:
    rows = [(each.effect.method, each.metric, each.variant, *_effect(each.effect, each.effect.pvalue))
            for each in readout.sensitivity]  # fmt: skip
    return _table(("method", "metric", "variant", "change", *_columns(readout)), rows) if rows else ""


def _beliefs(readout: Readout) -> list[str]:
    """One sentence per primary effect for people who think in chances."""
    return [
        f"{each.metric} of {each.variant}: chance to win {each.posterior.chance_to_win:.1%}, "
        f"expected loss {each.posterior.expected_loss:.3g} if it is shipped."
        for each in readout.beliefs
        if each.posterior.chance_to_win is not None
    ]


def _columns(readout: Readout) -> tuple[str, ...]:
    return f"{100 * (1 - readout.alpha):g} % interval", "difference", "p", "note"


def _effect(effect: Effect, pvalue: float | None) -> tuple[str, ...]:
    from assay.report.format import show_p, show_signed

    return (
        show_signed(effect.relative),
        f"{show_signed(effect.relative_low)} … {show_signed(effect.relative_high)}",
        "–" if effect.difference is None else f"{effect.difference:+.4g}",
        show_p(pvalue),
        effect.reason or "; ".join(effect.warnings),
    )


def _table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    from assay.report.text import table

    return table(headers, rows).rstrip()
