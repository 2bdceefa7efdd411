"""The file that Airflow parses. Its folder may be Airflow's dags folder, or stand in it."""

# The dag processor imports these once, before it forks for each parse.
import airflow.sdk.bases.operator
import airflow.sdk.definitions.dag
import airflow.sdk.definitions.timetables.assets
import airflow.sdk.definitions.timetables.trigger
import airflow.timetables.base  # noqa: F401

from dag_factory.loader import load

load(globals())
