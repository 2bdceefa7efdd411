"""What is estimated: a smooth function of column means, and its gradient there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, Self

from assay.stats.effect import Kind, NoAnswer

Means = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Point:
    """A value, and its gradient: column → derivative with respect to that column's mean."""

    value: float
    gradient: Mapping[str, float]


class Estimand(Protocol):
    """Any smooth function of column means; the delta method needs nothing else."""

    @property
    def kind(self) -> Kind: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def covariates(self) -> tuple[str, ...]: ...
    def at(self, means: Means) -> Point:
        """Value and gradient at these means; raises `NoAnswer` where the function is not defined."""

    def without_covariates(self) -> Self: ...


@dataclass(frozen=True, slots=True)
class MetricColumns:
    """A mean per unit (no denominator) or a ratio of sums, with covariates measured before the experiment.

    >>> MetricColumns("likes", "views").at({"likes": 3.0, "views": 10.0}).value
    0.3
    """

    numerator: str
    denominator: str | None = None
    numerator_covariate: str | None = None
    denominator_covariate: str | None = None

    @property
    def kind(self) -> Kind:
        return "ratio" if self.denominator else "mean"

    @property
    def columns(self) -> tuple[str, ...]:
        return _given(self.numerator, self.denominator)

    @property
    def covariates(self) -> tuple[str, ...]:
        return _given(self.numerator_covariate, self.denominator_covariate)

    def at(self, means: Means) -> Point:
        """The ratio's gradient is (1 / d, −r / d): Deng, Knoblich and Lu (2018), §2.2."""
        top = means[self.numerator]
        if self.denominator is None:
            return Point(top, {self.numerator: 1.0})
        bottom = means[self.denominator]
        if bottom == 0:
            raise NoAnswer(f"the denominator '{self.denominator}' sums to zero in one of the variants")
        if self.numerator == self.denominator:
            return Point(1.0, {self.numerator: 0.0})
        return Point(top / bottom, {self.numerator: 1 / bottom, self.denominator: -top / bottom / bottom})

    def without_covariates(self) -> Self:
        return replace(self, numerator_covariate=None, denominator_covariate=None)


@dataclass(frozen=True, slots=True)
class Derived:
    """A smooth function of column means given with its gradient, such as a ratio of two ratios.

    `function` and `gradient` receive column → mean; the gradient returns column → partial derivative.

    >>> gap = Derived(("a", "b"), lambda m: m["a"] - 2 * m["b"], lambda m: {"a": 1.0, "b": -2.0})
    >>> gap.at({"a": 5.0, "b": 1.0}).value
    3.0
    """

    columns: tuple[str, ...]
    function: Callable[[Means], float]
    gradient: Callable[[Means], Mapping[str, float]]
    covariates: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return "derived"

    def at(self, means: Means) -> Point:
        try:
            return Point(float(self.function(means)), self.gradient(means))
        except (ZeroDivisionError, ValueError, OverflowError) as error:
            raise NoAnswer(f"the metric is not defined at these means ({error})") from error

    def without_covariates(self) -> Self:
        return replace(self, covariates=())


@dataclass(frozen=True, slots=True)
class Quantile:
    """The `level` quantile of a column over units, 0 < level < 1; 0.5 is the median."""

    column: str
    level: float

    @property
    def kind(self) -> Kind:
        return "quantile"

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def covariates(self) -> tuple[str, ...]:
        return ()

    def at(self, means: Means) -> Point:  # noqa: ARG002  the protocol's signature
        raise NoAnswer("a quantile is not a function of means")

    def without_covariates(self) -> Self:
        return self


def _given(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name)
