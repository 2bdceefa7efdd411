-- distribution of mean_amount in button
-- before = 1741410000
-- end = 1741665600
-- least = 30.0
-- start = 1741410000
WITH
assay__exposures AS (
SELECT
  user_id AS assay__unit,
  min(at) AS assay__first,
  if(uniqExact(toString(arm)) > 1, '(crossed)',
    transform(any(toString(arm)), ['0', '1'], ['control', 'treatment'], '')) AS assay__arm
FROM shop.events
WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND toString(arm) IN ('0', '1')
  AND (not is_test)
  AND (kind = 'view')
GROUP BY assay__unit
),
assay__in_app AS (
SELECT
  assay__unit, any(assay__arm) AS assay__variant
  , ifNull(sumIf(toFloat64(amount), at >= assay__first), 0) AS assay__y_f20c1178933f9931
  , ifNull(sumIf(toFloat64(isNotNull(amount)), at >= assay__first), 0) AS assay__y_2ac5a956035f3744
FROM shop.events AS assay__events
INNER JOIN assay__exposures ON user_id = assay__exposures.assay__unit
WHERE at >= fromUnixTimestamp({before:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
GROUP BY assay__unit
),
assay__units AS (
  SELECT assay__in_app.assay__variant AS assay__variant
    , assay__y_f20c1178933f9931 AS y0
    , assay__y_2ac5a956035f3744 AS y1
  FROM assay__in_app
)
SELECT assay__variant AS variant, y0 AS numerator, y1 AS denominator, count() AS units
FROM assay__units
WHERE y1 >= {least:Float64} AND y0 >= 0 AND y0 <= y1
GROUP BY variant, numerator, denominator
ORDER BY variant, numerator, denominator
SETTINGS join_use_nulls = 0
