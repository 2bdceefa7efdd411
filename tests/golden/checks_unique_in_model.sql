-- check rows of app
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT
  CAST(NULL AS Nullable(Date)) AS day,
  assay__check.1 AS check, assay__check.2 AS severity, assay__check.3 AS failures, assay__rows AS rows
FROM (
  SELECT
    count() AS assay__rows
    , toUInt64(countIf((user_id) IS NOT NULL AND (at) IS NOT NULL) - uniqExactIf(tuple((user_id), (at)), (user_id) IS NOT NULL AND (at) IS NOT NULL)) AS assay__c0
  FROM stage
  WHERE day >= {first:Date} AND day <= {last:Date}
) AS assay__found
ARRAY JOIN [
  ('unique user_id, at', 'error', assay__c0)
] AS assay__check
ORDER BY day
