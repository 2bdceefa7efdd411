"""Monte Carlo power of a ratio: 10,000 experiments with 6,500 users per group, and a surface of effects and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from math import sqrt
from typing import Any

from benchmarks.measure import WORK, Row, gate, save
from benchmarks.sides import data
from benchmarks.sides.peers import AMBROSIA, BY_HAND, TEA
from benchmarks.sides.side import THREADS, Ask, Part, Reply, Side, beside, ours, scaled, started, turns

SIMULATIONS, EXACT = 10_000, 40_000
ONE: dict[str, Any] = {"effects": [0.005], "sizes": [6_500]}
SURFACE: dict[str, Any] = {
    "effects": [0.001 + 0.00045 * step for step in range(21)],
    "sizes": [2_000, 4_000, 6_500, 9_000, 13_000],
}
LIMIT, SURFACE_LIMIT, MEMORY = 0.30, 1.0, 300  # CPU seconds twice, megabytes
_LOOP, _TEA, _LOOPS, _TABLE = (Part("simulations", size, SIMULATIONS) for size in (400, 400, 8, 200))


def near(name: str, power: float, exact: float, simulations: int, errors: float = 3.0) -> None:
    """The gate: at most three Monte Carlo standard errors from the exact bootstrap. Raises GateFailed."""
    error = sqrt(exact * (1 - exact) * (1 / simulations + 1 / EXACT))
    gate(abs(power - exact) <= errors * error, f"{name} finds a power of {power:.4f}, exact is {exact:.4f}")


def check(path: str, own: Side, hand: Side) -> tuple[Reply, float]:
    """Our power for one effect, and that of a bootstrap that draws every user. Raises GateFailed."""
    found = own.ask("power", path=path, tests=["welch"], simulations=SIMULATIONS, **ONE)
    (effect,), (size,) = ONE["effects"], ONE["sizes"]
    exact = hand.ask("exact_power", path=path, effect=effect, size=size, simulations=EXACT).answer
    near("Assay", _first(found.answer), exact, SIMULATIONS)
    return found, exact


def one(path: str, own: Side, peers: dict[str, Side], exact: float) -> list[Row]:
    """One effect and size, beside everybody who can simulate it."""
    name = f"power, {SIMULATIONS:,} × 2 × {ONE['sizes'][0]:,} users"
    mine = partial(own.ask, "power", path=path, tests=["welch"], simulations=SIMULATIONS, **ONE)
    rows = []
    for peer, side in peers.items():

        def theirs(peer: str = peer, side: Side = side) -> list[Reply]:
            replies, simulations = _peer(peer, side, path)
            near(peer, _first(replies[-1].answer), exact, simulations, errors=4.0)
            return replies

        rows.append(beside(name, _NAMES[peer], LIMIT, mine, theirs))
    return rows


def _peer(peer: str, side: Side, path: str) -> tuple[list[Reply], int]:
    """Replies for one effect, and the simulations of the last."""
    if peer == "by hand":
        return scaled(side, "power", _LOOP, path=path, tests=["welch"], **ONE), 2 * _LOOP.size
    if peer == "tea-tasting":
        return scaled(side, "power", _TEA, path=path, effect=ONE["effects"][0]), 2 * _TEA.size
    return turns(3, partial(side.ask, "power", path=path, simulations=SIMULATIONS, **ONE))[0], SIMULATIONS


def surface(path: str, own: Side, peers: dict[str, Side]) -> list[Row]:
    """Every effect at every size, by two tests."""
    name = f"the same, {len(SURFACE['effects'])} effects × {len(SURFACE['sizes'])} sizes × 2 tests"
    both = ["welch", "student"]
    mine: Ask = partial(own.ask, "power", path=path, tests=both, simulations=SIMULATIONS, **SURFACE)
    runs = {
        "by hand": (_NAMES["by hand"], partial(scaled, part=_LOOPS, tests=both)),
        "ambrosia": ("ambrosia (one test)", partial(scaled, part=_TABLE)),
    }
    return [
        beside(name, title, SURFACE_LIMIT, mine, partial(run, peers[peer], "power", path=path, **SURFACE))
        for peer, (title, run) in runs.items()
        if peer in peers
    ]


_NAMES = {"by hand": "Pingouin in a loop", "tea-tasting": "tea-tasting", "ambrosia": "ambrosia"}


def _first(answer: Any) -> float:
    while isinstance(answer, Sequence):
        answer = answer[0]
    return float(answer)


def main() -> None:
    path = data.save(WORK / "statistics" / "history.bin", data.likes_and_views(2 * ONE["sizes"][0], 1))
    with ExitStack() as stack:
        own = stack.enter_context(ours())
        peers, missing = started(stack, BY_HAND, TEA, AMBROSIA)
        found, exact = check(path, own, peers["by hand"])
        gate(found.megabytes <= MEMORY, f"{found.megabytes:.0f} MB were used")
        rows = one(path, own, peers, exact) + surface(path, own, peers)
        needed = ""
        if "ambrosia" in peers:
            theirs = peers["ambrosia"].ask("power", path=path, simulations=SIMULATIONS, **ONE)
            needed = f", ambrosia {theirs.megabytes:,.0f}"
    versions = {name: version(name) for name in ("numpy", "scipy")}
    save(
        "power", "Statistics: power", rows, versions | BY_HAND.versions | TEA.versions | AMBROSIA.versions,
        gate=f"Assay finds a power of {_first(found.answer):.4f}; a bootstrap that draws every user, "
        f"{EXACT:,} times, {exact:.4f}: within three Monte Carlo standard errors. The peers are within four.",
        memory=f"One effect: Assay needs {found.megabytes:.0f} MB with the interpreter (target {MEMORY}){needed}.",
        scaled=f"Pingouin and tea-tasting ran {_LOOP.size} and {2 * _LOOP.size} of the {SIMULATIONS:,} simulations; on "
        f"the surface Pingouin ran {_LOOPS.size} and {2 * _LOOPS.size}, ambrosia {_TABLE.size} and {2 * _TABLE.size}. "
        "Twice as many cost twice as much; the table shows what all would cost.",
        threads=THREADS, **missing,
    )  # fmt: skip


if __name__ == "__main__":
    main()
