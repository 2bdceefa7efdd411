"""States over short sequences: examples first, then properties over random ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.detect import Judgement, Policy, follow
from assay.detect.verdict import objection

OK = Judgement("ok", 100.0, 100.0, 60.0, 140.0, 100.0, 0.0, 0.0, 0.0)
LOW = Judgement("anomaly", 50.0, 100.0, 60.0, 140.0, 100.0, -5.0, -1 / 6, -0.5)
HIGH = Judgement("anomaly", 150.0, 100.0, 60.0, 140.0, 100.0, 5.0, 1 / 14, 0.5)
LEARNING = Judgement("learning", 100.0)
NO_DATA = Judgement("no_data", None)
LETTERS = {".": OK, "v": LOW, "^": HIGH, "l": LEARNING, "n": NO_DATA}

policies = st.builds(
    Policy,
    confirm=st.integers(1, 4).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of))),
    direction=st.sampled_from(["up", "down", "both"]),
    min_volume=st.sampled_from([0.0, 200.0]),
    min_change=st.sampled_from([0.0, 0.6]),
    resolve=st.integers(1, 4),
)
histories = st.text("".join(LETTERS), min_size=1, max_size=14)


def play(history: str, policy: Policy = Policy(confirm=(2, 3))) -> tuple[str, int | None]:  # noqa: B008 (frozen)
    verdict = follow([LETTERS[each] for each in history], policy)
    return verdict.state, verdict.since


@pytest.mark.parametrize(
    ("history", "state", "since"),
    [
        (".", "ok", None),
        ("v", "pending", None),
        ("v.", "ok", None),
        (".vv", "firing", 2),
        (".v.v", "firing", 3),
        ("v..v", "pending", None),
        ("v^", "pending", None),
        ("vv.", "firing", 1),
        ("vv..", "firing", 1),
        ("vv...", "resolved", 1),
        ("vv....", "ok", None),
        ("vv..v...", "resolved", 1),
        ("vv...vv", "firing", 6),
        ("vvn", "no_data", 1),
        ("vvn.n..", "resolved", 1),
        ("l", "learning", None),
        ("n", "no_data", None),
    ],
)
def test_two_of_three_and_three_clean_slots(history: str, state: str, since: int | None) -> None:
    assert play(history) == (state, since)


@pytest.mark.parametrize(
    ("policy", "judgement", "reason"),
    [
        (Policy(), LOW, ""),
        (Policy(direction="up"), LOW, "the value went down, the rule watches up"),
        (Policy(min_volume=200), LOW, "the volume 100 is under 200"),
        (Policy(min_change=0.6), LOW, "the change -50.0% is under 60.0%"),
        (Policy(min_change=0.6), replace(HIGH, change=None), ""),  # from nothing to something: no finite change
        (Policy(), LEARNING, "too little history"),
        (Policy(), NO_DATA, "nothing to judge"),
    ],
)
def test_suppression_says_why(policy: Policy, judgement: Judgement, reason: str) -> None:
    assert objection(judgement, policy) == reason
    assert (follow([judgement], policy).state == "firing") == (not reason)


@given(histories, policies)
def test_firing_needs_n_hits_and_its_beginning_has_them(history: str, policy: Policy) -> None:
    state, since = play(history, policy)
    needed, of = policy.confirm
    if since is not None:
        window = history[max(0, since + 1 - of) : since + 1]
        assert window.count(history[since]) >= needed
        assert not objection(LETTERS[history[since]], policy)
    assert (state in ("firing", "resolved")) <= (since is not None)


@given(histories, policies)
def test_learning_and_missing_slots_never_fire(history: str, policy: Policy) -> None:
    newest = history[-1]
    state, _ = play(history, policy)
    assert {"l": "learning", "n": "no_data"}.get(newest, state) == state
    quiet = history.translate(str.maketrans("v^", "ln"))
    assert play(quiet, policy)[0] in ("ok", "learning", "no_data")


@given(histories, policies)
def test_fire_comes_before_resolve_and_an_episode_resolves_once(history: str, policy: Policy) -> None:
    steps = [play(history[: end + 1], policy) for end in range(len(history))]
    resolved = [since for state, since in steps if state == "resolved"]
    assert len(resolved) == len(set(resolved))
    for since in resolved:
        assert since is not None
        assert steps[since] == ("firing", since)


@given(histories, policies)
def test_enough_clean_slots_end_everything(history: str, policy: Policy) -> None:
    assert play(history + "." * (policy.resolve + 1), policy) == ("ok", None)


@given(histories, policies)
def test_a_stricter_policy_never_opens_an_episode(history: str, policy: Policy) -> None:
    for stricter in (replace(policy, min_volume=1e9), replace(policy, min_change=1e9)):
        assert play(history, stricter)[1] is None


@given(histories, policies)
def test_up_and_down_are_mirror_images(history: str, policy: Policy) -> None:
    mirrored = replace(policy, direction={"up": "down", "down": "up", "both": "both"}[policy.direction])
    assert play(history, policy) == play(history.translate(str.maketrans("v^", "^v")), mirrored)


@pytest.mark.parametrize("wrong", [{"confirm": (3, 2)}, {"confirm": (0, 1)}, {"resolve": 0}])
def test_impossible_policies_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="confirm"):
        Policy(**wrong)


def test_no_judgement_no_state() -> None:
    with pytest.raises(ValueError, match="without a judgement"):
        follow([], Policy())
