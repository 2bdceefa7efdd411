-- units of button
-- after = datetime.date(2025, 3, 11)
-- first_day = datetime.date(2025, 3, 8)
-- prior = datetime.date(2025, 3, 7)
CREATE TABLE assay.experiment_totals__stg_days_entered
ENGINE = MergeTree
ORDER BY tuple()
COMMENT 'assay: []'
AS WITH assay__crossed AS (
SELECT unit
FROM (
  SELECT unit, name, entered AS assay__entered, toString(variant) AS assay__of_day, slices, CAST([] AS Array(Float64)) AS values
  FROM assay.experiment_totals
  WHERE experiment = 'button' AND day = {prior:Date}
  UNION ALL
  SELECT unit, name, day AS assay__entered, toString(variant) AS assay__of_day, slices, values
  FROM assay.experiment_days
  WHERE experiment = 'button' AND day > {prior:Date} AND day < {after:Date} AND variant != ''
)
GROUP BY unit
HAVING min(assay__of_day) != max(assay__of_day)
)
SELECT unit, name AS assay__unit, assay__entered
  , if(unit IN assay__crossed, '(crossed)', assay__of_day) AS assay__variant
  , slices AS assay__slices, values AS assay__values
FROM (
  SELECT unit, name, entered AS assay__entered, toString(variant) AS assay__of_day, slices, CAST([] AS Array(Float64)) AS values
  FROM assay.experiment_totals
  WHERE experiment = 'button' AND day = {prior:Date}
  UNION ALL
  SELECT unit, name, day AS assay__entered, toString(variant) AS assay__of_day, slices, values
  FROM assay.experiment_days
  WHERE experiment = 'button' AND day > {prior:Date} AND day < {after:Date} AND variant != ''
)
ORDER BY assay__entered
LIMIT 1 BY unit
