"""ClickHouse, embedded (chDB) or on a server, behind a port of one method."""

from __future__ import annotations

from assay.engine.clickhouse import connect
from assay.engine.cluster import Cluster
from assay.engine.dsn import Dsn, parse_dsn
from assay.engine.port import Engine
from assay.engine.publish import Partitions, Whole, exchange, publish, sweep

__all__ = ["Cluster", "Dsn", "Engine", "Partitions", "Whole", "connect", "exchange", "parse_dsn", "publish", "sweep"]
