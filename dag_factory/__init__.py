"""What Airflow loads: DAGs generated from the definitions. It imports assay, and nothing imports it."""
