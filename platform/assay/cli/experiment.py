"""The commands of an experiment, in the order in which one needs them."""

from __future__ import annotations

import click

from assay.cli import experiment_analyze, experiment_assign, experiment_design, experiment_history, experiment_report


@click.group("experiment")
def command() -> None:
    """Design, assign, check and analyze experiments."""


for _one in (
    experiment_design.design,
    experiment_design.power,
    experiment_design.aa,
    experiment_assign.salt,
    experiment_assign.assign,
    experiment_analyze.command,
    experiment_history.command,
    experiment_report.command,
):
    command.add_command(_one)
