-- check rows of app
SELECT
  CAST(NULL AS Nullable(Date)) AS day,
  assay__check.1 AS check, assay__check.2 AS severity, assay__check.3 AS failures, assay__rows AS rows
FROM (
  SELECT
    count() AS assay__rows
    , toUInt64(countIf(ifNull((user_id) IS NULL, 0))) AS assay__c0
    , toUInt64(countIf(ifNull(toString(kind) NOT IN ('view', 'it\'s'), 0))) AS assay__c1
    , toUInt64(countIf(ifNull(NOT ((age) >= 0 AND (age) <= 120), 0))) AS assay__c2
    , toUInt64(countIf(ifNull(NOT ((amount) <= 0.5), 0))) AS assay__c3
    , toUInt64(countIf((user_id) IS NOT NULL AND (at) IS NOT NULL) - uniqExactIf(tuple((user_id), (at)), (user_id) IS NOT NULL AND (at) IS NOT NULL)) AS assay__c4
    , toUInt64(0) AS assay__c5
    , toUInt64(if(count() - uniqExact(tuple(*)) > 0.01 * count(), count() - uniqExact(tuple(*)), 0)) AS assay__c6
    , toUInt64(0) AS assay__c7
  FROM stage
  WHERE 1
) AS assay__found
ARRAY JOIN [
  ('not_null user_id', 'error', assay__c0),
  ('accepted kind', 'error', assay__c1),
  ('range age', 'error', assay__c2),
  ('range amount', 'error', assay__c3),
  ('unique user_id, at', 'error', assay__c4),
  ('min_rows_per_day', 'error', assay__c5),
  ('duplicates', 'warn', assay__c6),
  ('volume', 'warn', assay__c7)
] AS assay__check
ORDER BY day
