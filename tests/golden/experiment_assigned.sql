-- exposure in button
-- end = 1741665600
-- start = 1741410000
SELECT assay__variant AS variant, count() AS assigned, countIf(assay__exposed) AS exposed
FROM (
  SELECT assay__unit, any(assay__arm) AS assay__variant, max(assay__shown) AS assay__exposed
  FROM (
    SELECT user_id AS assay__unit, ifNull(transform(toString(arm), ['0', '1'], ['control', 'treatment'], ''), '') AS assay__arm, ifNull((kind = 'view'), 0) != 0 AS assay__shown
    FROM shop.events
    WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
      AND (not is_test)
  )
  WHERE assay__unit IS NOT NULL AND assay__arm != ''
  GROUP BY assay__unit
  HAVING min(assay__arm) = max(assay__arm)
)
GROUP BY variant
ORDER BY variant
