-- moments of button
-- before = 1741410000
-- end = 1741665600
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
  , toDate(at, 'America/New_York') AS assay__day
  , ifNull(sumIf(toFloat64(amount), at >= assay__first), 0) AS assay__y_f20c1178933f9931
  , ifNull(sumIf(toFloat64(isNotNull(amount)), at >= assay__first), 0) AS assay__y_2ac5a956035f3744
FROM shop.events AS assay__events
INNER JOIN assay__exposures ON user_id = assay__exposures.assay__unit
WHERE at >= fromUnixTimestamp({before:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
  AND at >= assay__first
GROUP BY assay__unit, assay__day
),
assay__units AS (
  SELECT assay__in_app.assay__variant AS assay__variant
  , assay__day
    , assay__y_f20c1178933f9931 AS y0
    , assay__y_2ac5a956035f3744 AS y1
  FROM assay__in_app
)
SELECT assay__variant AS variant, assay__day AS day, count() AS n
  , sum(y0) AS s_y0
  , sum(y1) AS s_y1
  , count() * varPopStable(y0) AS c_y0__y0
  , count() * covarPopStable(y0, y1) AS c_y0__y1
  , count() * varPopStable(y1) AS c_y1__y1
FROM assay__units
GROUP BY variant, day
ORDER BY variant, day
SETTINGS join_use_nulls = 0
