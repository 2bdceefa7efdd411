"""A visible import error in Airflow as long as something is wrong with the DAGs or their definitions."""

from dag_factory.problems import raise_problems

raise_problems()  # nothing is wrong: this file defines no DAG of airflow's
