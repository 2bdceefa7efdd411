"""Templates to statements: one Jinja template per kind of statement, loaded once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.catalog.expression import quote_identifier, quote_literal
from assay.compiler.values import sources, stored
from assay.errors import Location
from assay.statement import Statement


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("assay.compiler"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - SQL, not HTML
    )
    environment.filters |= {
        "ident": quote_identifier,
        "literal": quote_literal,
        "sources": sources,
        "stored": stored,
    }
    return environment


def render(template: str, **context: Any) -> str:
    """The text of `templates/<template>.sql.j2`, without blank lines."""
    text = _environment().get_template(f"{template}.sql.j2").render(**context)
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def write(template: str, purpose: str, *, settings: Mapping[str, Any] | None = None, **context: Any) -> Statement:
    """A statement that changes our own database."""
    return Statement(render(template, **context), purpose, settings=settings or {}, writes=True)


def read(
    template: str, purpose: str, parameters: Mapping[str, Any], origin: Location | None = None, **context: Any
) -> Statement:
    """A statement that only reads; `parameters` are bound by the server."""
    return Statement(render(template, **context), purpose, parameters, origin)
