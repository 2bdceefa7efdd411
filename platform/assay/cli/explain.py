from __future__ import annotations

import click

from assay.cli import common
from assay.errors import CODES, UsageError, did_you_mean


@click.command("explain")
@click.argument("code", required=False)
@common.format_option("text", "json")
@common.command
def command(code: str | None, format: str) -> None:
    """Explain an error CODE; all of them when left out."""
    chosen = CODES if code is None else {code.upper(): _meaning(code.upper())}
    if format == "json":
        common.print_json({"codes": chosen})
    else:
        for name, text in chosen.items():
            click.echo(f"{name}  {text}")


def _meaning(code: str) -> str:
    if code in CODES:
        return CODES[code]
    raise UsageError.of(
        "E201",
        f"There is no error code '{code}'.{did_you_mean(code, CODES)}",
        why="Codes are a closed table.",
        fix="See 'platform explain'.",
    )
