"""The table of commands. A command's module is imported only when it runs, so that `--help` stays instant."""

from __future__ import annotations

from importlib import import_module

import click

from assay.cli.terminal import harmless

# Name: (module, one line for --help). The one place to add a command.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "Create a project in a folder."),
    "new": ("new", "Add a metric, an experiment or an alert."),
    "validate": ("validate", "Find every mistake in the definitions."),
    "list": ("list", "Show what is defined."),
    "show": ("show", "Show the SQL that a name compiles to."),
    "plan": ("plan", "Show what changed definitions change, what reads it and what it costs."),
    "apply": ("apply", "Build exactly what changed, and remember the definitions as applied."),
    "run": ("run", "Build metric states for a range of days."),
    "check": ("check", "Check the rows and values of stored days again."),
    "query": ("query", "Read series of metrics."),
    "investigate": ("investigate", "Find the slices that explain a change."),
    "experiment": ("experiment", "Analyze experiments."),
    "alert": ("alert", "Judge metrics and send alerts."),
    "forecast": ("forecast", "Forecast metrics, and track what came."),
    "impact": ("impact", "Estimate what dated events did."),
    "report": ("report", "Build and send reports."),
    "site": ("website", "Build the static site."),
    "dashboards": ("dashboards", "Export dashboards to Superset, and refresh the tables of BI tools."),
    "dags": ("dag_factory.command", "Compile the DAGs that Airflow loads."),
    "demo": ("demo", "Generate the demo product and run everything on it."),
    "schema": ("schema", "Print the JSON Schema of the definitions, for editors."),
    "explain": ("explain", "Explain an error code."),
    "status": ("status", "Show what is fresh, what failed, what ran and what it costs."),
    "pause": ("pause", "Stop building, judging and sending, everywhere."),
    "resume": ("resume", "End a pause."),
    "gc": ("collect", "Show or drop what nobody needs any more."),
    "doctor": ("doctor", "Check this machine and this project."),
}


class Commands(click.Group):
    """A group that knows its commands by name and imports them on demand."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        name = COMMANDS[cmd_name][0]
        module = import_module(name if "." in name else f"assay.cli.{name}")  # nothing here imports dag_factory
        command: click.Command = module.command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="assay-platform", prog_name="platform")
@click.option("--log", type=click.Choice(["json"]), envvar="ASSAY_LOG", help="A line per statement, on standard error.")
@click.pass_context
def main(context: click.Context, log: str | None) -> None:
    """Metrics, experiments and alerts as code for product events in ClickHouse."""
    if log:
        from assay.engine.log import to_stderr

        to_stderr()
    context.with_resource(harmless())
