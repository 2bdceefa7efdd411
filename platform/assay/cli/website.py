from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from assay.cli import common
from assay.errors import UsageError


@click.group("site")
def command() -> None:
    """Build the static site, or show it to this machine."""


@command.command("build")
@click.option("--date", "day", type=common.Day(), help="The day to show (default: the last stored one).")
@click.option("--out", type=click.Path(path_type=Path), help="The folder to write (default: <target>/site).")
@common.format_option("text", "json")
@common.project_option
@common.command
def build(day: date | None, out: Path | None, format: str, project: Path) -> None:
    """Write the site as one folder that opens from disk, without a network."""
    from assay.jobs.outputs.website import build as run

    with common.session(project, show=False) as context:
        folder = run(context, day, out)
    if format == "json":
        common.print_json({"folder": str(folder), "index": str(folder / "index.html")})
    else:
        click.echo(f"Open {folder / 'index.html'}")


@command.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--folder", type=click.Path(path_type=Path), help="The folder to serve (default: <target>/site).")
@common.project_option
@common.command
def serve(port: int, folder: Path | None, project: Path) -> None:
    """Serve the built site to this machine only, until Ctrl-C."""
    from assay.cli import serving

    server = serving.server(_built(folder or _default(project)), port)
    click.echo(f"http://{serving.HERE}:{server.server_port}/ (Ctrl-C stops it)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        server.server_close()


def _default(project: Path) -> Path:
    loaded = common.load(project)
    return loaded.root / loaded.catalog.definitions.project.target / "site"


def _built(folder: Path) -> Path:
    """A folder with a site in it. Raises UsageError E601."""
    if (folder / "index.html").is_file():
        return folder
    raise UsageError.of(
        "E601",
        f"There is no site in {folder}.",
        why="`site serve` shows what `site build` wrote.",
        fix="Run 'platform site build' first.",
    )
