-- exposures of button
-- end = 1741665600
-- first_day = datetime.date(2025, 3, 8)
-- new_day = datetime.date(2025, 3, 8)
-- start = 1741410000
CREATE TABLE assay.experiment_days__stg_days_seen
ENGINE = MergeTree
ORDER BY tuple()
COMMENT 'assay: []'
AS SELECT assumeNotNull(assay__unit) AS unit, assay__day, minIf(assay__time, assay__shown) AS assay__entered
  , if(min(assay__arm) = max(assay__arm), any(assay__arm), '(crossed)') AS assay__of_all
  , if(minIf(assay__arm, assay__shown) = maxIf(assay__arm, assay__shown), anyIf(assay__arm, assay__shown), '(crossed)') AS assay__variant
  , argMinIf(assay__of_city, bitShiftLeft(toUInt64(toUnixTimestamp(assay__time)), 32) + bitAnd(cityHash64(assay__of_city), 4294967295), assay__shown) AS assay__by_city
  , argMinIf(assay__of_age_group, bitShiftLeft(toUInt64(toUnixTimestamp(assay__time)), 32) + bitAnd(cityHash64(assay__of_age_group), 4294967295), assay__shown) AS assay__by_age_group
FROM (
  SELECT user_id AS assay__unit, at AS assay__time, toDate(at, 'America/New_York') AS assay__day
    , ifNull((kind = 'view'), 0) != 0 AS assay__shown, ifNull(transform(toString(arm), ['0', '1'], ['control', 'treatment'], ''), '') AS assay__arm
    , ifNull(toString(city), '(none)') AS assay__of_city
    , multiIf((age) IS NULL, '(none)', (age) < 18, '<18', (age) < 25, '18-24', (age) < 35, '25-34', '35+') AS assay__of_age_group
  FROM shop.events
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
)
WHERE assay__unit IS NOT NULL AND assay__arm != ''
GROUP BY assay__unit, assay__day
