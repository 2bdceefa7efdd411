"""How long a new Python process needs to import a library and to answer once."""

from __future__ import annotations

import sys
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import ROOT, GateFailed, Row, gate, process, save
from benchmarks.sides.peers import AMBROSIA, CONFIDENCE, GBSTATS, TEA
from benchmarks.sides.side import Peer, Reply, turns, within

RUNS, LIMIT = 7, 0.8  # CPU seconds
_DATA = "control, treatment = [[1.0], [2.0], [4.0], [1.5]], [[3.0], [4.0], [6.0], [2.5]]\n"
OURS = (
    _DATA
    + """from assay import stats
arms = [stats.Samples.of(["likes"], each) for each in (control, treatment)]
print(stats.compare(stats.MetricColumns("likes"), *arms).difference)
"""
)
THEIRS: dict[Peer, str] = {
    TEA: _DATA + """import pyarrow, tea_tasting as tt
likes = [each[0] for each in control + treatment]
table = pyarrow.table({"likes": likes, "variant": [0] * 4 + [1] * 4})
print(tt.Experiment(likes=tt.Mean("likes")).analyze(table)["likes"].effect_size)
""",
    GBSTATS: _DATA + """from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import SampleMeanStatistic
arms = [SampleMeanStatistic(4, sum(x for x, in each), sum(x * x for x, in each)) for each in (control, treatment)]
print(TwoSidedTTest(*arms, FrequentistConfig(difference_type="absolute")).compute_result().expected)
""",
    CONFIDENCE: _DATA + """import pandas
from spotify_confidence.analysis.frequentist.z_test import ZTest
rows = [(name, 4, sum(x for x, in each), sum(x * x for x, in each)) for name, each in zip("ab", (control, treatment))]
table = pandas.DataFrame(rows, columns=["variant", "n", "sum", "squares"])
print(ZTest(table, "sum", "squares", "n", "variant").difference("a", "b")["difference"].iloc[0])
""",
    AMBROSIA: _DATA + """import pandas
from ambrosia.tester import Tester
table = pandas.DataFrame({"likes": [x for x, in control + treatment], "variant": ["a"] * 4 + ["b"] * 4})
found = Tester(dataframe=table, column_groups="variant", metrics="likes").run("absolute", method="theory")
print(found["effect"].iloc[0])
""",
}  # fmt: skip


def answer(python: Path, code: str) -> Reply:
    """CPU and wall seconds of a new process; the difference is its only output. Raises GateFailed."""
    before = time.perf_counter()
    done = process([python, "-W", "ignore", "-c", code], ROOT)
    wall = time.perf_counter() - before
    found = float(done.output.split()[-1])
    gate(abs(found - 1.75) < 1e-6, f"the difference is {found}")
    return Reply(done.seconds, wall, 0.0, found)


def main() -> None:
    rows, missing, walls = list[Row](), dict[str, str](), dict[str, float]()
    for peer, code in THEIRS.items():
        try:
            mine, theirs = turns(
                RUNS, partial(answer, Path(sys.executable), OURS), partial(answer, peer.python(), code)
            )
        except GateFailed as error:
            missing[peer.name] = str(error)
            continue
        rows.append(within("import and first answer", peer.name, mine, theirs, LIMIT))
        walls |= {"Assay": min(each.wall for each in mine), peer.name: min(each.wall for each in theirs)}
    versions = {name: version(name) for name in ("numpy", "scipy")}
    for peer in THEIRS:
        versions |= peer.versions
    save(
        "first_answer", "Statistics: import and first answer", rows, versions,
        gate="Every side answers with the same difference of means.",
        wall="Shortest wall seconds: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in walls.items()) + ".",
        **missing,
    )  # fmt: skip


if __name__ == "__main__":
    main()
