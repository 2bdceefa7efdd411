-- most frequent values of city
-- end = 1741665600
-- start = 1741410000
INSERT INTO assay.dimension_values (dimension, val)
SELECT 'city:7a769233', assay__val
FROM (
  SELECT ifNull(toString(city), '(none)') AS assay__val, count() AS assay__rows
  FROM shop.events
  WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
  GROUP BY assay__val
  ORDER BY assay__rows DESC, assay__val
  LIMIT 3
)
WHERE NOT (SELECT count() > 0 FROM assay.dimension_values WHERE dimension = 'city:7a769233')
