"""What Airflow pays for generated DAGs: dag_factory beside dag-factory 1.1.0, the known YAML generator."""
