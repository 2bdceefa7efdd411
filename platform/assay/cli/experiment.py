from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common, experiment_assign, experiment_design, experiment_history

if TYPE_CHECKING:
    from assay.jobs.experiments.readout import Readout


@click.group("experiment")
def command() -> None:
    """Design, check and analyze experiments."""


for _one in (experiment_design.design, experiment_design.power, experiment_design.aa, experiment_history.command):
    command.add_command(_one)
command.add_command(experiment_assign.assign)
command.add_command(experiment_assign.salt)


@command.command("analyze")
@click.argument("name")
@common.format_option("text", "json")
@common.project_option
@common.command
def analyze(name: str, format: str, project: Path) -> None:
    """The read-out of the experiment NAME: gates, effects, and a verdict with its reasons. It is stored."""
    from assay.jobs.experiments.analyze import analyze as run
    from assay.jobs.experiments.history import record

    with common.session(project, show=False) as context:
        readout = run(context, name)
        record(context, readout)
    if format == "json":
        common.print_json(readout.as_dict())
    else:
        click.echo(text(readout))


def text(readout: Readout) -> str:
    """The read-out for a terminal."""
    from assay.report.format import show_p, show_signed
    from assay.report.text import table

    units = ", ".join(f"{name} {count:,}" for name, count in readout.units.items())
    gates = [(gate.status, gate.name, show_p(gate.pvalue) if gate.pvalue is not None else "", gate.detail)
             for gate in readout.gates]  # fmt: skip
    effects = [
        (
            result.role,
            result.metric,
            result.variant,
            show_signed(result.effect.relative),
            f"{show_signed(result.effect.relative_low)} … {show_signed(result.effect.relative_high)}",
            "–" if result.effect.difference is None else f"{result.effect.difference:+.4g}",
            show_p(result.pvalue_adjusted),
            result.effect.reason or "",
        )
        for result in readout.results
    ]
    level = f"{100 * (1 - readout.alpha):g} % interval"
    headers = ("role", "metric", "variant", "change", level, "difference", "p", "note")
    parts = [
        f"{readout.experiment}, {readout.start} to {readout.until}: {units}",
        table(("gate", "name", "p", "detail"), gates).rstrip(),
        table(headers, effects).rstrip(),
        f"Verdict: {readout.verdict.verdict.replace('_', ' ')}",
        "\n".join(f"  {reason}" for reason in readout.verdict.reasons),
    ]
    return "\n\n".join(parts)
