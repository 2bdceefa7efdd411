"""The users that every side is given: generated once, kept as raw float64 numbers, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

METRICS, VARIANTS = 20, 3
Pair = tuple[str, str]
PAIRS = tuple((f"y{number}", f"x_y{number}") for number in range(METRICS))  # a metric and its covariate
COLUMNS = ("variant", *(name for pair in PAIRS for name in pair))


def likes_and_views(users: int, seed: int, lift: float = 0.0) -> Any:
    """Likes and views of a user, shape (users, 2): skewed counts with a share of about 0.21."""
    random = np.random.default_rng(seed)
    views = 1 + random.poisson(random.gamma(1.2, 25.0, users))
    likes = random.binomial(views, random.beta(4.0 * (1 + lift), 15.0, users))
    return np.column_stack([likes, views]).astype(np.float64)


def minutes(users: int, seed: int) -> Any:
    """A skewed continuous value, shape (users, 1)."""
    return np.random.default_rng(seed).lognormal(3.0, 0.8, (users, 1))


def table(users: int, seed: int) -> Any:
    """`COLUMNS` of users split among the variants, shape (users, 41): counts, and the same counts some weeks before."""
    random = np.random.default_rng(seed)
    columns = [random.integers(0, VARIANTS, users)]
    for number in range(METRICS):
        habit = random.gamma(2.0, 3.0 + number, users)
        lift = 1 + 0.004 * (number % 3) * columns[0]
        columns += [random.poisson(habit * lift), random.poisson(habit)]
    return np.column_stack(columns).astype(np.float64)


def save(path: Path, values: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    values.tofile(path)
    return str(path)


def load(path: str, columns: int) -> Any:
    """Shape (rows, columns)."""
    return np.fromfile(path).reshape(-1, columns)


def frame(path: str) -> dict[str, Any]:
    """The columns of `table`, each one array, as a DataFrame keeps them; the variant is an integer."""
    found = {
        name: np.ascontiguousarray(column) for name, column in zip(COLUMNS, load(path, len(COLUMNS)).T, strict=True)
    }
    return found | {"variant": found["variant"].astype(np.int64)}


def summaries(path: str) -> list[dict[str, Any]]:
    """What is summed per variant: n, `mean`, `var` by column and `cov` by metric, with divisors n − 1."""
    rows = load(path, len(COLUMNS))
    found = []
    for variant in range(VARIANTS):
        values = rows[rows[:, 0] == variant, 1:]
        spread = np.cov(values, rowvar=False)
        mean = dict(zip(COLUMNS[1:], values.mean(axis=0).tolist(), strict=True))
        var = dict(zip(COLUMNS[1:], np.diag(spread).tolist(), strict=True))
        cov = {metric: float(spread[2 * at, 2 * at + 1]) for at, (metric, _) in enumerate(PAIRS)}
        found.append({"n": len(values), "mean": mean, "var": var, "cov": cov})
    return found
