"""What every detector promises, and what the registry knows about it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from assay.detect import Slots, judge, names, parameters
from assay.errors import DefinitionsError


def test_parameters_come_from_the_signature() -> None:
    found = {each.name: (each.type, each.default) for each in parameters("mad").values()}
    assert found == {
        "threshold": (float, 4.0),
        "history": (int, 30),
        "min_history": (int, 14),
        "smoothing": (int, 3),
    }


def test_an_unknown_detector_is_met_with_a_suggestion() -> None:
    with pytest.raises(DefinitionsError, match="Did you mean 'mad'"):
        parameters("made")


@pytest.mark.parametrize("name", names())
def test_every_parameter_has_a_default_of_its_type(name: str) -> None:
    assert all(isinstance(each.default, each.type) for each in parameters(name).values())


NEED_MORE = {"static", "forecast", "pyod"}  # bounds, a stored forecast, an extra


@pytest.mark.parametrize("name", sorted(set(names()) - NEED_MORE))
class TestContract:
    def test_a_constant_series_is_ordinary(self, name: str) -> None:
        (judgement,) = judge(name, Slots.counts([[100.0] * 60]))
        assert judgement.status == "ok"

    def test_a_total_outage_is_an_anomaly(self, name: str) -> None:
        if name == "freshness":
            return  # it waits for two slots of silence
        history = np.random.default_rng(1).poisson(1_000, 59)
        (judgement,) = judge(name, Slots.counts([[*history, 0]]))
        assert (judgement.status, judgement.direction) == ("anomaly", "down")

    @pytest.mark.parametrize("days", [1, 2, 5])
    def test_without_history_it_learns(self, name: str, days: int) -> None:
        (judgement,) = judge(name, Slots.counts([[5.0] * days]))
        assert judgement.status == "learning"

    def test_no_nan_leaves(self, name: str) -> None:
        values = np.random.default_rng(2).poisson(3, size=(200, 60)).astype(float)
        values[np.random.default_rng(3).random(values.shape) < 0.4] = np.nan
        fields = [each for judgement in judge(name, Slots.counts(values)) for each in asdict(judgement).values()]
        assert not [each for each in fields if isinstance(each, float) and not np.isfinite(each)]

    def test_a_gauge_may_be_negative(self, name: str) -> None:
        if name == "freshness":
            return  # it judges whether there is a value, not which
        history = np.random.default_rng(5).normal(-5, 2, 59)
        ordinary, late = judge(name, Slots.gauges([[*history, -6.0], [*history, 30.0]]))
        assert (ordinary.status, late.status, late.direction) == ("ok", "anomaly", "up")

    def test_no_series_no_judgement(self, name: str) -> None:
        assert judge(name, Slots.counts(np.zeros((0, 60)))) == ()

    def test_the_order_of_series_does_not_matter(self, name: str) -> None:
        values = np.random.default_rng(4).poisson(50, size=(30, 60)).astype(float)
        assert judge(name, Slots.counts(values[::-1])) == judge(name, Slots.counts(values))[::-1]


@pytest.mark.parametrize(
    "values", [[1.0, 2.0], [[]], [[np.inf, 1.0]], [[-1.0, 1.0]]], ids=["one row", "no day", "infinite", "negative"]
)
def test_slots_refuse_what_cannot_be_judged(values: list[object]) -> None:
    with pytest.raises(ValueError, match="values"):
        Slots.counts(values)


@pytest.mark.parametrize("values", [[1.0, 2.0], [[np.inf, 1.0]], [[-np.inf, 1.0]]])
def test_gauges_refuse_only_shape_and_infinity(values: list[object]) -> None:
    assert Slots.gauges([[-1.0, np.nan]]).kind == "gauge"
    with pytest.raises(ValueError, match="values"):
        Slots.gauges(values)


def test_the_events_behind_a_gauge_are_a_count() -> None:
    with pytest.raises(ValueError, match="denominators"):
        Slots.gauges([[1.0, 2.0]], [[3.0, -1.0]])


def test_slots_refuse_denominators_of_another_shape() -> None:
    with pytest.raises(ValueError, match="different shapes"):
        Slots(np.ones((2, 3)), np.ones((3, 2)))
