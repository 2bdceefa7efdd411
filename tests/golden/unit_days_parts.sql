-- units of button
ALTER TABLE assay.experiment_totals__stg_units
  REPLACE PARTITION ('button', '2025-03-10') FROM assay.experiment_totals
SETTINGS allow_replace_partition_from_empty_source = 1
