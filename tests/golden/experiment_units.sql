-- units of button
-- before = 1740805200
-- end = 1741665600
-- first_day = '2025-03-08'
-- start = 1741410000
CREATE TABLE experiment_units
ENGINE = MergeTree
ORDER BY tuple()
COMMENT 'assay: []'
AS WITH
assay__exposures AS (
  SELECT assay__unit, min(assay__time) AS assay__entered
    , if(min(assay__arm) = max(assay__arm), any(assay__arm), '(crossed)') AS assay__variant
    , argMin(assay__of_city, bitShiftLeft(toUInt64(toUnixTimestamp(assay__time)), 32) + bitAnd(cityHash64(assay__of_city), 4294967295)) AS assay__by_city
    , argMin(assay__of_age_group, bitShiftLeft(toUInt64(toUnixTimestamp(assay__time)), 32) + bitAnd(cityHash64(assay__of_age_group), 4294967295)) AS assay__by_age_group
  FROM (
    SELECT user_id AS assay__unit, at AS assay__time, ifNull(transform(toString(arm), ['0', '1'], ['control', 'treatment'], ''), '') AS assay__arm
      , ifNull(toString(city), '(none)') AS assay__of_city
      , multiIf((age) IS NULL, '(none)', (age) < 18, '<18', (age) < 25, '18-24', (age) < 35, '25-34', '35+') AS assay__of_age_group
    FROM shop.events
    WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
      AND (not is_test)
      AND (kind = 'view')
  )
  WHERE assay__unit IS NOT NULL AND assay__arm != ''
  GROUP BY assay__unit
),
assay__in_app AS (
  SELECT assay__unit, countIf(assay__day < 0) > 0 AS assay__past
    , sumIf(assay__v_f20c1178933f9931, assay__day >= 0) AS y_f20c1178933f9931
    , sumIf(assay__v_f20c1178933f9931, assay__day < 0) AS x_f20c1178933f9931
    , groupArrayInsertAtIf(0., 3)(assay__v_f20c1178933f9931, toUInt32(assay__day), assay__day >= 0) AS d_f20c1178933f9931
    , sumIf(assay__v_ac6f31e028d2896f, assay__day >= 0) AS y_ac6f31e028d2896f
    , sumIf(assay__v_ac6f31e028d2896f, assay__day < 0) AS x_ac6f31e028d2896f
  FROM (
    SELECT assay__unit
      , if(at < fromUnixTimestamp({start:Int64}), -1, dateDiff('day', {first_day:Date}, toDate(at, 'America/New_York'))) AS assay__day
      , ifNull(sumIf(toFloat64(amount), 1), 0) AS assay__v_f20c1178933f9931
      , toFloat64(countIf(1)) AS assay__v_ac6f31e028d2896f
    FROM shop.events AS assay__events
    INNER JOIN assay__exposures ON user_id = assay__exposures.assay__unit
    WHERE at >= fromUnixTimestamp({before:Int64}) AND at < fromUnixTimestamp({end:Int64})
      AND (at < fromUnixTimestamp({start:Int64}) OR at >= assay__entered)
      AND (not is_test)
    GROUP BY assay__unit, assay__day
  )
  GROUP BY assay__unit
),
assay__in_shop AS (
  SELECT assay__unit, countIf(assay__day < 0) > 0 AS assay__past
    , sumIf(assay__v_9d2e8d1ad0ae6f68, assay__day >= 0) AS y_9d2e8d1ad0ae6f68
    , sumIf(assay__v_9d2e8d1ad0ae6f68, assay__day < 0) AS x_9d2e8d1ad0ae6f68
    , sumIf(assay__v_0fe28667e847cef7, assay__day >= 0) AS y_0fe28667e847cef7
    , sumIf(assay__v_0fe28667e847cef7, assay__day < 0) AS x_0fe28667e847cef7
  FROM (
    SELECT assay__unit
      , if(at < fromUnixTimestamp({start:Int64}), -1, dateDiff('day', {first_day:Date}, toDate(at, 'America/New_York'))) AS assay__day
      , toFloat64(countIf(1)) AS assay__v_9d2e8d1ad0ae6f68
      , ifNull(sumIf(toFloat64(1), 1), 0) AS assay__v_0fe28667e847cef7
    FROM orders AS assay__events
    INNER JOIN assay__exposures ON buyer = assay__exposures.assay__unit
    WHERE at >= fromUnixTimestamp({before:Int64}) AND at < fromUnixTimestamp({end:Int64})
      AND (at < fromUnixTimestamp({start:Int64}) OR at >= assay__entered)
    GROUP BY assay__unit, assay__day
  )
  GROUP BY assay__unit
)
SELECT assumeNotNull(assay__exposures.assay__unit) AS assay__unit, assay__variant
  , toInt32(dateDiff('day', {first_day:Date}, toDate(assay__entered, 'America/New_York'))) AS assay__first
  , assay__in_app.assay__past OR assay__in_shop.assay__past AS assay__past
  , assay__by_city
  , assay__by_age_group
  , y_f20c1178933f9931, x_f20c1178933f9931, d_f20c1178933f9931
  , y_ac6f31e028d2896f, x_ac6f31e028d2896f
  , y_9d2e8d1ad0ae6f68, x_9d2e8d1ad0ae6f68
  , y_0fe28667e847cef7, x_0fe28667e847cef7
FROM assay__exposures
LEFT JOIN assay__in_app ON assay__exposures.assay__unit = assay__in_app.assay__unit
LEFT JOIN assay__in_shop ON assay__exposures.assay__unit = assay__in_shop.assay__unit
SETTINGS join_use_nulls = 0
