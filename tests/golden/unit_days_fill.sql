-- build app unit:user
-- end = 1741665600
-- start = 1741410000
INSERT INTO assay.stage (source, grain, day, unit, measures, values)
SELECT 'app', 'unit:user', assay__day, if(toString(toUInt64OrZero(toString(assay__unit))) = toString(assay__unit), toUInt64OrZero(toString(assay__unit)), cityHash64(toString(assay__unit)))
  , 'ac6f31e028d2896f,f20c1178933f9931', assay__values
FROM (
  SELECT assumeNotNull(user_id) AS assay__unit, toDate(at, 'America/New_York') AS assay__day
    , CAST([
      toFloat64(countIf(1)),
      ifNull(sumIf(toFloat64(amount), 1), 0)
    ] AS Array(Float64)) AS assay__values
  FROM shop.events AS assay__events
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
    AND user_id IS NOT NULL
  GROUP BY assay__unit, assay__day
)
SETTINGS max_partitions_per_insert_block = 0
