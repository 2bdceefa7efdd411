"""The named peers and their pinned packages. Versions are the newest for Python 3.11 that work with each other."""

from __future__ import annotations

from benchmarks.sides.side import Peer

TEA = Peer(
    "tea-tasting",
    "tea_tasting",
    (
        "tea-tasting==1.14.0",  # 2.0 needs Python 3.12
        "duckdb==2.0.0",
        "ibis-framework[duckdb]==12.0.0",
        "sqlglot==28.10.1",  # ibis 12 writes broken SQL with sqlglot 30
        "pandas==3.1.1",
        "polars==2.1.0",
        "pyarrow==26.0.1",
        "numpy==2.4.6",
        "scipy==1.17.1",
    ),
)
BY_HAND = Peer("by hand", "by_hand", ("pingouin==0.7.0", "numpy==2.4.6", "scipy==1.17.1"))
AMBROSIA = Peer("ambrosia", "ambrosia", ("ambrosia==0.5.3.post1", "pandas==3.1.1", "numpy==2.4.6", "scipy==1.17.1"))
GBSTATS = Peer("gbstats", "gbstats", ("gbstats==0.8.0", "numpy==1.26.4", "scipy==1.17.1", "pandas==1.5.3"))
CONFIDENCE = Peer(
    "spotify-confidence", "confidence", ("spotify-confidence==4.1.0", "pandas==2.3.3", "numpy==2.4.6", "scipy==1.17.1")
)
