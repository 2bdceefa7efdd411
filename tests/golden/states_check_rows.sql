-- check rows of app
-- end = 1741665600
-- start = 1741410000
SELECT assay__check.1 AS check, assay__check.2 AS failures
FROM (
  SELECT [
    ('not_null user_id', countIf(ifNull((user_id) IS NULL, 0))),
    ('accepted kind', countIf(ifNull(toString(kind) NOT IN ('view', 'it\'s'), 0)))
  ] AS assay__checks
  FROM shop.events
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
)
ARRAY JOIN assay__checks AS assay__check
