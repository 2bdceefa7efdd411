-- exposures of button
-- end = 1741665600
-- first_day = datetime.date(2025, 3, 8)
-- new_day = datetime.date(2025, 3, 8)
-- start = 1741410000
INSERT INTO assay.experiment_days__stg_days (experiment, day, unit, name, arm, variant, slices, values)
SELECT 'button', assay__seen.assay__day, if(toString(toUInt64OrZero(toString(assay__seen.unit))) = toString(assay__seen.unit), toUInt64OrZero(toString(assay__seen.unit)), cityHash64(toString(assay__seen.unit)))
  , toString(assay__seen.unit), assay__of_all, assay__variant
  , CAST([assay__by_city, assay__by_age_group] AS Array(String))
  , CAST([assay__v_0fe28667e847cef7, assay__v_9d2e8d1ad0ae6f68, assay__v_ac6f31e028d2896f, assay__v_f20c1178933f9931] AS Array(Float64))
FROM assay.experiment_days__stg_days_seen AS assay__seen
LEFT JOIN (
  SELECT assay__unit, assay__day
    , ifNull(sumIf(toFloat64(amount), 1), 0) AS assay__v_f20c1178933f9931
    , toFloat64(countIf(1)) AS assay__v_ac6f31e028d2896f
  FROM shop.events AS assay__events
  INNER JOIN (
    SELECT unit AS assay__unit, assay__day, assay__entered
    FROM assay.experiment_days__stg_days_seen
    WHERE assay__variant != '' AND if(toString(toUInt64OrZero(toString(unit))) = toString(unit), toUInt64OrZero(toString(unit)), cityHash64(toString(unit))) GLOBAL NOT IN (SELECT unit FROM assay.experiment_days WHERE experiment = 'button' AND day >= {first_day:Date} AND day < {new_day:Date} AND variant != '')
    ORDER BY assay__day
    LIMIT 1 BY unit
  ) AS assay__exposed
    ON user_id = assay__exposed.assay__unit AND toDate(at, 'America/New_York') = assay__exposed.assay__day
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
    AND at >= assay__entered
  GROUP BY assay__unit, assay__day
) AS assay__in_app
  ON assay__seen.unit = assay__in_app.assay__unit AND assay__seen.assay__day = assay__in_app.assay__day
LEFT JOIN (
  SELECT assay__unit, assay__day
    , toFloat64(countIf(1)) AS assay__v_9d2e8d1ad0ae6f68
    , ifNull(sumIf(toFloat64(1), 1), 0) AS assay__v_0fe28667e847cef7
  FROM orders AS assay__events
  INNER JOIN (
    SELECT unit AS assay__unit, assay__day, assay__entered
    FROM assay.experiment_days__stg_days_seen
    WHERE assay__variant != '' AND if(toString(toUInt64OrZero(toString(unit))) = toString(unit), toUInt64OrZero(toString(unit)), cityHash64(toString(unit))) GLOBAL NOT IN (SELECT unit FROM assay.experiment_days WHERE experiment = 'button' AND day >= {first_day:Date} AND day < {new_day:Date} AND variant != '')
    ORDER BY assay__day
    LIMIT 1 BY unit
  ) AS assay__exposed
    ON buyer = assay__exposed.assay__unit AND toDate(at, 'America/New_York') = assay__exposed.assay__day
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
    AND at >= assay__entered
  GROUP BY assay__unit, assay__day
) AS assay__in_shop
  ON assay__seen.unit = assay__in_shop.assay__unit AND assay__seen.assay__day = assay__in_shop.assay__day
SETTINGS join_use_nulls = 0, max_partitions_per_insert_block = 0
