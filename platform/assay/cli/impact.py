"""`impact`: what dated events did."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.cli import common
from assay.errors import AssayError

if TYPE_CHECKING:
    from assay.jobs.forecasts.impacts import Estimated


@click.command("impact")
@click.argument("names", nargs=-1)
@common.format_option("text", "json")
@common.project_option
@common.command
def command(names: tuple[str, ...], format: str, project: Path) -> None:
    """Estimate what happened through the events of the impacts NAMES (all when left out), and whether to believe it."""
    from assay.jobs.forecasts import impacts

    failed: list[AssayError] = []
    found: list[Estimated] = []
    with common.session(project, show=format == "text") as context:
        wanted = impacts.names(context, names)
        for at, name in enumerate(wanted):
            context.progress(at, len(wanted), name)
            try:
                found.append(impacts.estimate(context, name))
            except AssayError as error:
                failed.append(error)
    if format == "json":
        errors = [each.as_dict() for error in failed for each in error.diagnostics]
        common.print_json({"impacts": [each.as_dict() for each in found], "errors": errors})
    else:
        _print(["\n".join(text(each)) for each in found], failed)
    if failed and format == "text":
        common.fail(type(failed[0])(*(each for error in failed for each in error.diagnostics)), format, project)
    if failed:
        raise click.exceptions.Exit(failed[0].exit_code)


def _print(texts: list[str], failed: list[AssayError]) -> None:
    if texts:
        click.echo("\n\n".join(texts))
    elif not failed:
        click.echo("No impact is defined. Add one: platform new impact NAME --metric METRIC --event EVENT")


def text(done: Estimated) -> Iterator[str]:
    """One impact for a terminal: what could be seen, what was found, and whether to believe it."""
    from assay.report.format import show, show_signed

    spec, found, effect = done.definition.spec, done.impact, done.impact.effect
    slice_of = "".join(f", {name} {', '.join(values)}" for name, values in spec.match.items())
    yield f"{done.definition.name}: {spec.metric}{slice_of} from {done.start} to {done.end}, learnt from {done.seen} on"
    yield f"  the smallest effect that could have been seen: {show(found.visible, 'percent')}"
    verdict = "an effect" if found.found else "no effect to tell from none"
    yield f"  {verdict}; trust: {found.trust}"
    relative, amount = effect.relative, effect.average if done.shares else effect.cumulative
    yield (
        f"  effect {show_signed(relative.value)} ({show_signed(relative.low)} … {show_signed(relative.high)}), "
        f"{'a day' if done.shares else 'in all'} {show(amount.value)} ({show(amount.low)} … {show(amount.high)}); "
        f"{_p(effect.pvalue)}"
    )
    yield (
        f"  fake dates: {len(found.time.effects)}, rank: {_p(found.time.pvalue)}; fake places: "
        f"{len(found.space.effects)}; days kept back: {'understood' if found.held_out.passed else 'not understood'}"
    )
    yield from _others(done)
    yield from (f"  - {reason}" for reason in found.reasons)
    if done.material.left_out:
        yield f"  days of other events before it are left out: {', '.join(done.material.left_out)}"
    if done.material.beside:
        yield f"  other events in these days count as part of it: {', '.join(done.material.beside)}"


def _others(done: Estimated) -> Iterator[str]:
    """What other methods say."""
    from assay.report.format import show, show_signed

    if done.many:
        relative = done.definition.spec.scale == "relative"
        told = show_signed if relative else show
        low, high = told(done.many.low), told(done.many.high)
        yield (
            f"  difference in differences: {told(done.many.effect)} ({low} … {high})"
            f"{'' if relative else ' a day in each'}, {_p(done.many.pvalue)}; alike before: "
            f"{_p(done.many.leads_pvalue)}"
        )
    if done.mix:
        yield f"  synthetic control: {show_signed(done.mix.relative)}, rank: {_p(done.mix.pvalue)}"
    if done.impact.second:
        opinion = "disagrees" if done.impact.second.disagrees else "agrees"
        yield f"  Orbit's DLT: {show_signed(done.impact.second.relative)}, {opinion}"


def _p(value: float) -> str:
    from assay.report.format import show_p

    told = show_p(value)
    return f"p {told}" if told.startswith("<") else f"p = {told}"
