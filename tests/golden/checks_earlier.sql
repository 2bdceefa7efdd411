-- earlier rows of app
-- end = 1741410000
-- start = 1740805200
SELECT assay__day AS day, count() AS rows
FROM (
  SELECT toDate(at, 'America/New_York') AS assay__day
  FROM shop.events
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
)
GROUP BY assay__day
