-- units of button
-- after = datetime.date(2025, 3, 11)
-- before_day = datetime.date(2025, 3, 1)
-- first_day = datetime.date(2025, 3, 8)
-- prior = datetime.date(2025, 3, 7)
INSERT INTO assay.experiment_totals__stg_days (experiment, day, unit, name, entered, variant, past, slices, after_entry, before_start, by_day)
WITH
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
    INNER JOIN assay.experiment_totals__stg_days_entered AS assay__exposures USING unit
    WHERE source = 'app' AND grain = 'unit:user'
      AND day > {prior:Date} AND day < {after:Date} AND day > assay__entered
    UNION ALL
SELECT unit, dateDiff('day', {first_day:Date}, day) AS assay__day
      , values[intDiv(position(measures, 'f20c1178933f9931') + 16, 17)] AS assay__v_f20c1178933f9931
      , values[intDiv(position(measures, 'ac6f31e028d2896f') + 16, 17)] AS assay__v_ac6f31e028d2896f
    FROM assay.unit_days
    WHERE source = 'app' AND grain = 'unit:user'
      AND day >= {before_day:Date} AND day < {first_day:Date}
      AND unit IN (SELECT unit FROM assay.experiment_totals__stg_days_entered WHERE assay__entered > {prior:Date})
    UNION ALL
    SELECT unit, dateDiff('day', {first_day:Date}, assay__entered)
      , assay__values[4]
      , assay__values[3]
    FROM assay.experiment_totals__stg_days_entered
    WHERE assay__entered > {prior:Date}
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
    INNER JOIN assay.experiment_totals__stg_days_entered AS assay__exposures USING unit
    WHERE source = 'shop' AND grain = 'unit:user'
      AND day > {prior:Date} AND day < {after:Date} AND day > assay__entered
    UNION ALL
SELECT unit, dateDiff('day', {first_day:Date}, day) AS assay__day
      , values[intDiv(position(measures, '9d2e8d1ad0ae6f68') + 16, 17)] AS assay__v_9d2e8d1ad0ae6f68
      , values[intDiv(position(measures, '0fe28667e847cef7') + 16, 17)] AS assay__v_0fe28667e847cef7
    FROM assay.unit_days
    WHERE source = 'shop' AND grain = 'unit:user'
      AND day >= {before_day:Date} AND day < {first_day:Date}
      AND unit IN (SELECT unit FROM assay.experiment_totals__stg_days_entered WHERE assay__entered > {prior:Date})
    UNION ALL
    SELECT unit, dateDiff('day', {first_day:Date}, assay__entered)
      , assay__values[2]
      , assay__values[1]
    FROM assay.experiment_totals__stg_days_entered
    WHERE assay__entered > {prior:Date}
  )
  GROUP BY unit
)
SELECT 'button', {after:Date} - 1, assay__had.unit, name, entered, assay__variant
  , past OR assay__in_app.assay__past OR assay__in_shop.assay__past
  , slices
  , arrayMap((had, added) -> had + added, arrayResize(after_entry, 4, 0.), CAST([y_0fe28667e847cef7, y_9d2e8d1ad0ae6f68, y_ac6f31e028d2896f, y_f20c1178933f9931] AS Array(Float64)))
  , arrayMap((had, added) -> had + added, arrayResize(before_start, 4, 0.), CAST([x_0fe28667e847cef7, x_9d2e8d1ad0ae6f68, x_ac6f31e028d2896f, x_f20c1178933f9931] AS Array(Float64)))
  , CAST([arrayConcat(arrayResize(by_day[1], 0, 0.), arrayResize(d_f20c1178933f9931, 3, 0.))] AS Array(Array(Float64)))
FROM (
  SELECT unit, name, entered, past, slices, after_entry, before_start, by_day
  FROM assay.experiment_totals
  WHERE experiment = 'button' AND day = {prior:Date}
  UNION ALL
  SELECT unit, assay__unit, assay__entered, 0, assay__slices, [], [], []
  FROM assay.experiment_totals__stg_days_entered
  WHERE assay__entered > {prior:Date}
) AS assay__had
ANY LEFT JOIN assay.experiment_totals__stg_days_entered AS assay__exposures ON assay__had.unit = assay__exposures.unit
ANY LEFT JOIN assay__in_app ON assay__had.unit = assay__in_app.unit
ANY LEFT JOIN assay__in_shop ON assay__had.unit = assay__in_shop.unit
SETTINGS join_use_nulls = 0
