"""`project.yaml`: settings of the whole project."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from assay.config.base import Duration, FieldError, Flag, Integer, Name, Spec, parse_duration
from assay.config.limits import Limits, Retention
from assay.config.root import is_inside

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # `Europe` is a folder
        raise FieldError("a time zone is a name of the IANA database, such as Europe/Moscow or UTC", "UTC") from error
    return name


def parse_clock(value: Any) -> time:
    """`03:00` as a time of day; FieldError otherwise. YAML reads it as a number when it stands without quotes."""
    if isinstance(value, time):
        return value
    if not (isinstance(value, str) and re.match(_CLOCK, value)):
        raise FieldError('a time of day is written "03:00", in quotes', '"03:00"')
    return time.fromisoformat(value)


Clock = Annotated[
    time,
    BeforeValidator(parse_clock),
    PlainSerializer(lambda value: f"{value:%H:%M}"),
    WithJsonSchema({"type": "string", "pattern": _CLOCK}),
]


def _folder(value: Any) -> Any:
    if isinstance(value, str) and not is_inside(value):
        raise FieldError("a folder is written from the project's root on, and does not leave it", "target")
    return value


Folder = Annotated[str, BeforeValidator(_folder)]


class Warehouse(Spec):
    """Where ClickHouse is."""

    dsn: str = Field(
        repr=False, description="chdb://path, chdb:///absolute/path or clickhouse[s]://user:password@host:port/database"
    )
    database: Name = Field("assay", description="Our own database: the only one that is written to.")
    timeout: Integer = Field(300, ge=1, description="Seconds that one statement may take.")
    cluster: Annotated[str, Field(pattern=r"^[\w-]+$")] | None = Field(
        None, description="The name of a ClickHouse cluster: our tables are made on all of its nodes."
    )
    shard_by: Name | None = Field(
        None, description="The entity by which every event table is sharded: experiments then stay on their shards."
    )

    def model_post_init(self, _context: Any) -> None:
        if self.cluster is not None and self.dsn.startswith("chdb:"):
            raise FieldError("a cluster is reached by a server's address: chdb is one process", "clickhouse://host/db")
        if self.shard_by is not None and self.cluster is None:
            raise FieldError("'shard_by' says how a cluster holds events, and there is no 'cluster'", "cluster: main")


class Airflow(Spec):
    """How Airflow runs the project. Times are of the day, in the project's zone."""

    trigger: Literal["partition", "asset", "cron"] = Field(
        "partition", description="What starts a DAG that reads others: their partitions, their assets, or its own time."
    )
    models: Clock = Field(time(3), description="When models are built that read no other group of models.")
    metrics: Clock = Field(time(3), description="When metrics are built that read no models.")
    experiments: Clock = Field(time(5), description="When experiments are read, with `trigger: cron`.")
    maintenance: Clock = Field(time(2), description="When locks, disk and old manifests are looked after.")
    prefix: Annotated[str, Field(pattern=r"^[a-z0-9_]*$")] = Field("", description="What every DAG's id begins with.")
    connection: str | None = Field(None, min_length=1, description="An Airflow Connection, in place of the DSN.")
    slots: Integer = Field(4, ge=1, description="Tasks at a time on a server; an embedded engine takes one.")
    timeout: Duration = Field(parse_duration("2h"), description="How long one task may take.")
    deadline: Duration | None = Field(None, description="A run that is not done so long after its start is told of.")
    route: Name | None = Field(None, description="Who hears of failed tasks and missed deadlines.")
    approval: Flag = Field(False, description="A person confirms each experiment's final verdict in Airflow.")


class ProjectSpec(Spec):
    """Settings that no single definition owns."""

    name: str = Field(min_length=1)
    warehouse: Warehouse | None = None
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    definitions: tuple[Folder, ...] = Field(("metrics", "experiments", "alerts"), description="Folders of YAML.")
    target: Folder = Field("target", description="Where built things go.")
    seed: Integer = Field(20250706, ge=0, description="The seed of everything random.")
    limits: Limits = Field(Limits(), description="What one statement may cost.")
    retention: Retention | None = Field(None, description="How long our own records are kept; left out: for ever.")
    airflow: Airflow = Field(Airflow(), description="How Airflow runs it.")
