"""ambrosia: power by simulation. It knows no ratios, so it is given the linearised metric."""

from __future__ import annotations

from collections.abc import Sequence

import pandas
from ambrosia.designer import Designer

from benchmarks.sides import data
from benchmarks.sides.serve import Work, serve


def power(path: str, effects: Sequence[float], sizes: Sequence[int], simulations: int) -> Work:
    """`effects` are on the ratio; ambrosia multiplies, so likes − ratio · views is raised to a mean of likes."""
    likes, views = data.load(path, 2).T
    rate = likes.sum() / views.sum()
    table = pandas.DataFrame({"rate": likes - rate * views + likes.mean()})
    designer = Designer(dataframe=table, metrics="rate", method="empiric")
    lifts = [1 + effect / rate for effect in effects]

    def work() -> list[list[float]]:
        found = designer.run("power", sizes=list(sizes), effects=lifts, first_type_errors=0.05, random_seed=1,
                             bs_samples=simulations, as_numeric=True, injection_method="shift")  # fmt: skip
        return found.to_numpy().T.tolist()

    return work


if __name__ == "__main__":
    serve({"power": power})
