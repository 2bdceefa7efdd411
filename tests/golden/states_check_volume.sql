-- check volume of app
-- days = 3
-- end = 1741665600
-- first = datetime.date(2025, 3, 8)
-- least = 10
-- start = 1741410000
SELECT concat('too few rows on ', toString(assay__day)) AS check, toUInt64(1) AS failures
FROM (SELECT {first:Date} + number AS assay__day FROM numbers({days:UInt32})) AS assay__all
LEFT JOIN (
  SELECT toDate(at, 'America/New_York') AS assay__day, count() AS assay__rows
  FROM shop.events
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
  GROUP BY assay__day
) AS assay__found USING assay__day
WHERE assay__rows < {least:UInt64}
