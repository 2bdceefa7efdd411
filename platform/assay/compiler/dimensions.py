"""The SQL text of a dimension's value: always a String, never NULL."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise

from assay.catalog.expression import parse, quote_literal
from assay.config.source import Dimension

NONE = "(none)"
OTHER = "other"


def value_sql(name: str, dimension: Dimension, database: str) -> str:
    """The value as a String; NULL becomes '(none)', values outside the top become 'other'."""
    if dimension.bins is not None:
        return _bins(parse(dimension.bins).sql, dimension.cuts)
    value = raw_value_sql(dimension)
    if dimension.top is None:
        return value
    kept = f"SELECT val FROM {database}.dimension_values WHERE dimension = {quote_literal(top_key(name, dimension))}"  # noqa: S608 - a literal of ours
    return f"if({value} IN ({kept}), {value}, '{OTHER}')"


def raw_value_sql(dimension: Dimension) -> str:
    """The value before it is limited to the most frequent ones."""
    return f"ifNull(toString({parse(dimension.column or '').sql}), '{NONE}')"


def top_key(name: str, dimension: Dimension) -> str:
    """Under this key the most frequent values are pinned; another meaning or length is another key."""
    meaning = f"{parse(dimension.column or '').normal}|{dimension.top}"
    return f"{name}:{blake2b(meaning.encode(), digest_size=4).hexdigest()}"


def labels(cuts: tuple[float, ...]) -> list[str]:
    """The values of a dimension of bins, in their order."""
    if not cuts:
        return []
    return [f"<{_text(cuts[0])}", *(_between(low, high) for low, high in pairwise(cuts)), f"{_text(cuts[-1])}+"]


def _bins(value: str, cuts: tuple[float, ...]) -> str:
    arms = ", ".join(
        f"({value}) < {_text(cut)}, {quote_literal(label)}" for cut, label in zip(cuts, labels(cuts), strict=False)
    )
    return f"multiIf(({value}) IS NULL, '{NONE}', {arms}, {quote_literal(labels(cuts)[-1])})"


def _between(low: float, high: float) -> str:
    """18-24 for whole bounds, because ages are read so; 1.5-2 otherwise."""
    if low != int(low) or high != int(high):
        return f"{_text(low)}-{_text(high)}"
    return f"{_text(low)}-{_text(high - 1)}" if high - low > 1 else _text(low)


def _text(number: float) -> str:
    """All digits: the text is also the bound in the SQL."""
    return str(int(number)) if number == int(number) else repr(number)
