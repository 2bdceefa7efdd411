"""10,000 A/A replays over a million users, user by user and over hash buckets of them, and 20 metrics at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from math import sqrt

from scipy.special import kolmogorov
from scipy.stats import binom

from benchmarks.measure import WORK, Row, gate, save
from benchmarks.sides import data
from benchmarks.sides.peers import BY_HAND, TEA
from benchmarks.sides.side import THREADS, Part, Side, beside, ours, scaled, started

USERS, REPLAYS = 1_000_000, 10_000
LIMIT, BUCKETS_LIMIT, MANY_LIMIT = 10.0, 0.3, 1.5  # CPU seconds
_PART, _FEW = Part("count", 10, REPLAYS), Part("count", 4, REPLAYS)


def fair(name: str, pvalues: Sequence[float]) -> None:
    """The gate: p-values look uniform, and 5 % are below 0.05. Raises GateFailed."""
    values, n = sorted(pvalues), len(pvalues)
    distance = max(max((at + 1) / n - value, value - at / n) for at, value in enumerate(values))
    ks = float(kolmogorov(sqrt(n) * distance))
    gate(ks > 0.001, f"{name}: p-values are not uniform, KS p = {ks:.2g}")
    low, high = binom.ppf((0.0005, 0.9995), n, 0.05)
    found = sum(value < 0.05 for value in values)
    gate(bool(low <= found <= high), f"{name}: {found} of {n} are below 0.05")


def check(path: str, table: str, own: Side, replays: int = REPLAYS) -> None:
    """Ours is fair at every level of aggregation, for every metric."""
    fair("users", own.ask("replays", path=path, count=replays).answer["pvalues"])
    fair("buckets", own.ask("bucketed_replays", path=path, count=replays).answer["pvalues"])
    many = own.ask("many_replays", path=table, count=replays).answer
    for (_, covariate), found in zip(data.PAIRS, many, strict=True):
        fair(covariate, found["pvalues"])


def single(path: str, own: Side, peers: dict[str, Side]) -> list[Row]:
    """One ratio, from users in memory and from rows in chDB; the peers have the users in memory."""
    names = {"by hand": "Pingouin in a loop", "tea-tasting": "tea-tasting"}
    kinds = (
        (f"{REPLAYS:,} A/A replays of a ratio, {USERS:,} users", "replays", LIMIT, 2),
        ("the same from rows in chDB, over 16,384 buckets", "bucketed_replays", BUCKETS_LIMIT, 5),
    )
    rows = []
    for name, task, limit, runs in kinds:
        mine = partial(own.ask, task, path=path, count=REPLAYS)
        for peer, side in peers.items():
            theirs = partial(scaled, side, "replays", _PART, path=path)
            rows.append(beside(name, names[peer], limit, mine, theirs, runs))
    return rows


def many(table: str, own: Side, peers: dict[str, Side]) -> list[Row]:
    """The means of 20 metrics over the same replays."""
    name = f"the same, {data.METRICS} metrics at once"
    mine = partial(own.ask, "many_replays", path=table, count=REPLAYS)
    if "tea-tasting" not in peers:
        return []
    theirs = partial(scaled, peers["tea-tasting"], "many_replays", _FEW, path=table)
    return [beside(name, "tea-tasting", MANY_LIMIT, mine, theirs)]


def main() -> None:
    folder = WORK / "statistics"
    path = data.save(folder / "replays.bin", data.likes_and_views(USERS, 20))
    table = data.save(folder / "table.bin", data.table(USERS, 5))
    with ExitStack() as stack:
        own = stack.enter_context(ours())
        peers, missing = started(stack, BY_HAND, TEA)
        check(path, table, own)
        rows = single(path, own, peers) + many(table, own, peers)
    versions = {name: version(name) for name in ("numpy", "scipy", "chdb")}
    save(
        "replays", "Statistics: A/A replays", rows, versions | BY_HAND.versions | TEA.versions,
        gate="Of ours, from users, from buckets and of each of the 20 metrics: the p-values are uniform "
        "(Kolmogorov-Smirnov p above 0.001), and the share below 0.05 lies in its 99.9 % interval.",
        scaled=f"The peers ran {_PART.size} and {2 * _PART.size} of the {REPLAYS:,} replays, {_FEW.size} and "
        f"{2 * _FEW.size} of 20 metrics; twice as many cost twice as much, and the table shows what all would cost.",
        threads=THREADS, **missing,
    )  # fmt: skip


if __name__ == "__main__":
    main()
