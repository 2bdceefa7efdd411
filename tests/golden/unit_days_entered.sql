-- exposures of button
-- after = datetime.date(2025, 3, 11)
-- first_day = datetime.date(2025, 3, 8)
CREATE TABLE assay.experiment_days__stg_units
ENGINE = MergeTree
ORDER BY tuple()
COMMENT 'assay: []'
AS WITH assay__crossed AS (
SELECT unit
FROM assay.experiment_days
WHERE experiment = 'button' AND day >= {first_day:Date} AND day < {after:Date} AND variant != ''
GROUP BY unit
HAVING min(variant) != max(variant)
)
SELECT unit, name AS assay__unit, day AS assay__entered
  , if(unit IN assay__crossed, '(crossed)', toString(variant)) AS assay__variant
  , slices AS assay__slices, values AS assay__values
FROM assay.experiment_days
WHERE experiment = 'button' AND day >= {first_day:Date} AND day < {after:Date} AND variant != ''
ORDER BY day
LIMIT 1 BY unit
