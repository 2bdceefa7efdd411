"""Bootstrap intervals of a ratio and of a median, 10,000 resamples, from users and from hash buckets of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version

from benchmarks.measure import WORK, Row, gate, save
from benchmarks.sides import data
from benchmarks.sides.peers import BY_HAND, TEA
from benchmarks.sides.side import THREADS, Part, Side, beside, ours, scaled, started

RESAMPLES = 10_000
_CLOSE = 0.02  # of an interval's width
_CHECKED = 2_000  # users per group for the gate of the median, where every resample is drawn
_DRAWS = 40_000
Files = dict[str, str]


def same_ends(name: str, mine: Sequence[float], exact: Sequence[float], share: float = _CLOSE) -> None:
    """The gate: both ends within a share of the width. Intervals are (difference, low, high). Raises GateFailed."""
    width = exact[2] - exact[1]
    worst = max(abs(a - b) / width for a, b in zip(mine[1:], exact[1:], strict=True))
    gate(worst <= share, f"{name}: an end is off by {worst:.1%} of the interval's width")


def arms(users: int) -> Files:
    """Likes and views of two groups, saved."""
    return _saved({name: data.likes_and_views(users, seed) for name, seed in _SEEDS.items()}, f"rate_{users}")


def waits(users: int) -> Files:
    """A continuous value of two groups, saved."""
    return _saved({name: data.minutes(users, seed) for name, seed in _SEEDS.items()}, f"minutes_{users}")


def check_ratio(files: Files, own: Side, hand: Side) -> None:
    """Every way of ours gives the interval of the delta method."""
    exact = hand.ask("ratio_delta", **files).answer
    for test in ("bootstrap", "poisson_bootstrap"):
        same_ends(test, own.ask("ratio", test=test, **files).answer, exact)
    same_ends("buckets", own.ask("buckets", **files).answer, exact)


def check_median(files: Files, own: Side, hand: Side, draws: int = _DRAWS, share: float = _CLOSE) -> None:
    """The law of ranks gives the interval of a bootstrap that draws every user."""
    exact = hand.ask("median", resamples=draws, batch=500, **files).answer
    same_ends("median", own.ask("median", replicates=draws, **files).answer, exact, share)


def ratios(users: int, limit: float, part: int, peers: dict[str, Side], own: Side) -> list[Row]:
    """`part`: resamples that the peers run, and then twice as many."""
    files, name = arms(users), f"ratio, {RESAMPLES:,} resamples, 2 × {users:,} users"
    loop, batched = Part("resamples", part, RESAMPLES), max(1, 1_000_000 // users)
    runs = {
        "scipy.stats.bootstrap": ("by hand", partial(scaled, task="ratio", part=loop, batch=batched)),
        "a loop in NumPy": ("by hand", partial(scaled, task="ratio_loop", part=loop)),
        "tea-tasting": ("tea-tasting", partial(scaled, task="ratio", part=loop, batch=batched)),
    }
    mine = partial(own.ask, "ratio", test="bootstrap", **files)
    return [
        beside(name, title, limit, mine, partial(run, peers[peer], **files))
        for title, (peer, run) in runs.items()
        if peer in peers
    ]


def buckets(users: int, limit: float, part: int, hand: Side, own: Side) -> Row:
    """Ours aggregates in chDB; the peer has the users in memory."""
    files, name = arms(users), f"the same from rows in chDB, over {16_384:,} buckets a group"
    theirs = partial(
        scaled, hand, "ratio", Part("resamples", part, RESAMPLES), batch=max(1, 1_000_000 // users), **files
    )
    return beside(name, "scipy.stats.bootstrap, in memory", limit, partial(own.ask, "buckets", **files), theirs)


def medians(users: int, limit: float, part: int, peers: dict[str, Side], own: Side) -> list[Row]:
    files, name = waits(users), f"median, {RESAMPLES:,} resamples, 2 × {users:,} users"
    theirs = partial(scaled, task="median", part=Part("resamples", part, RESAMPLES), batch=5, **files)
    names = {"by hand": "scipy.stats.bootstrap", "tea-tasting": "tea-tasting"}
    mine = partial(own.ask, "median", **files)
    return [
        beside(name, names[peer], limit, mine, partial(theirs, peers[peer])) for peer in names if peer in peers
    ]  # fmt: skip


_SEEDS = {"control": 10, "treatment": 11}


def _saved(groups: dict[str, object], name: str) -> Files:
    return {each: data.save(WORK / "statistics" / f"{name}_{each}.bin", values) for each, values in groups.items()}


def main() -> None:
    with ExitStack() as stack:
        own = stack.enter_context(ours())
        peers, missing = started(stack, BY_HAND, TEA)
        hand = peers["by hand"]
        for users in (100_000, 1_000_000):
            check_ratio(arms(users), own, hand)
        check_median(waits(_CHECKED), own, hand)
        rows = ratios(100_000, 0.8, 100, peers, own) + ratios(1_000_000, 8.0, 10, peers, own)
        rows += [buckets(1_000_000, 0.6, 10, hand, own), *medians(1_000_000, 0.25, 50, peers, own)]
    versions = {name: version(name) for name in ("numpy", "scipy", "chdb")}
    save(
        "bootstrap", "Statistics: bootstrap", rows, versions | BY_HAND.versions | TEA.versions,
        gate="The ends of our intervals of a ratio lie within 2 % of the delta method's width; those of the median, at "
        f"{_CHECKED:,} users a group, of a bootstrap that draws every user.",
        scaled=f"The peers ran a part of the {RESAMPLES:,} resamples: of a ratio 100 and 200 at 100,000 users, 10 and "
        "20 at a million, of the median 50 and 100. Twice as many cost twice as much; the table shows the cost of all.",
        threads=THREADS, **missing,
    )  # fmt: skip


if __name__ == "__main__":
    main()
