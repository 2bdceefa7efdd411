-- units of button
-- after = datetime.date(2025, 3, 11)
-- before_day = datetime.date(2025, 3, 1)
-- first_day = datetime.date(2025, 3, 8)
CREATE TABLE assay.experiment_units__stg_units
ENGINE = MergeTree
ORDER BY tuple()
COMMENT 'assay: []'
AS WITH
assay__in_app AS (
SELECT unit, countIf(assay__day < 0) > 0 AS assay__past
    , sumIf(assay__v_f20c1178933f9931, assay__day >= 0) AS y_f20c1178933f9931
    , sumIf(assay__v_f20c1178933f9931, assay__day < 0) AS x_f20c1178933f9931
    , sumResample(0, 3, 1)(assay__v_f20c1178933f9931, assay__day) AS d_f20c1178933f9931
    , sumIf(assay__v_ac6f31e028d2896f, assay__day >= 0) AS y_ac6f31e028d2896f
    , sumIf(assay__v_ac6f31e028d2896f, assay__day < 0) AS x_ac6f31e028d2896f
  FROM (
    SELECT unit, dateDiff('day', {first_day:Date}, day) AS assay__day
      , values[intDiv(position(measures, 'f20c1178933f9931') + 16, 17)] AS assay__v_f20c1178933f9931
      , values[intDiv(position(measures, 'ac6f31e028d2896f') + 16, 17)] AS assay__v_ac6f31e028d2896f
    FROM assay.unit_days
    INNER JOIN assay.experiment_days__stg_units AS assay__exposures USING unit
    WHERE source = 'app' AND grain = 'unit:user'
      AND day >= {before_day:Date} AND day < {after:Date} AND (day < {first_day:Date} OR day > assay__entered)
    UNION ALL
    SELECT unit, dateDiff('day', {first_day:Date}, assay__entered)
      , assay__values[4]
      , assay__values[3]
    FROM assay.experiment_days__stg_units
  )
  GROUP BY unit
),
assay__in_shop AS (
SELECT unit, countIf(assay__day < 0) > 0 AS assay__past
    , sumIf(assay__v_9d2e8d1ad0ae6f68, assay__day >= 0) AS y_9d2e8d1ad0ae6f68
    , sumIf(assay__v_9d2e8d1ad0ae6f68, assay__day < 0) AS x_9d2e8d1ad0ae6f68
    , sumIf(assay__v_0fe28667e847cef7, assay__day >= 0) AS y_0fe28667e847cef7
    , sumIf(assay__v_0fe28667e847cef7, assay__day < 0) AS x_0fe28667e847cef7
  FROM (
    SELECT unit, dateDiff('day', {first_day:Date}, day) AS assay__day
      , values[intDiv(position(measures, '9d2e8d1ad0ae6f68') + 16, 17)] AS assay__v_9d2e8d1ad0ae6f68
      , values[intDiv(position(measures, '0fe28667e847cef7') + 16, 17)] AS assay__v_0fe28667e847cef7
    FROM assay.unit_days
    INNER JOIN assay.experiment_days__stg_units AS assay__exposures USING unit
    WHERE source = 'shop' AND grain = 'unit:user'
      AND day >= {before_day:Date} AND day < {after:Date} AND (day < {first_day:Date} OR day > assay__entered)
    UNION ALL
    SELECT unit, dateDiff('day', {first_day:Date}, assay__entered)
      , assay__values[2]
      , assay__values[1]
    FROM assay.experiment_days__stg_units
  )
  GROUP BY unit
)
SELECT assay__unit, assay__variant, toInt32(dateDiff('day', {first_day:Date}, assay__entered)) AS assay__first
  , assay__in_app.assay__past OR assay__in_shop.assay__past AS assay__past
  , assay__slices[1] AS assay__by_city
  , assay__slices[2] AS assay__by_age_group
  , y_f20c1178933f9931, x_f20c1178933f9931, d_f20c1178933f9931
  , y_ac6f31e028d2896f, x_ac6f31e028d2896f
  , y_9d2e8d1ad0ae6f68, x_9d2e8d1ad0ae6f68
  , y_0fe28667e847cef7, x_0fe28667e847cef7
FROM assay.experiment_days__stg_units AS assay__exposures
LEFT JOIN assay__in_app ON assay__exposures.unit = assay__in_app.unit
LEFT JOIN assay__in_shop ON assay__exposures.unit = assay__in_shop.unit
SETTINGS join_use_nulls = 0
