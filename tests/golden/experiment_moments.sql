-- moments of button
-- before = 1740805200
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
  , ifNull(sumIf(toFloat64(amount), at >= assay__first), 0) AS assay__y_f20c1178933f9931
  , ifNull(sumIf(toFloat64(amount), at < fromUnixTimestamp({start:Int64})), 0) AS assay__x_f20c1178933f9931
  , countIf(at >= assay__first) AS assay__y_ac6f31e028d2896f
  , countIf(at < fromUnixTimestamp({start:Int64})) AS assay__x_ac6f31e028d2896f
FROM shop.events AS assay__events
INNER JOIN assay__exposures ON user_id = assay__exposures.assay__unit
WHERE at >= fromUnixTimestamp({before:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
GROUP BY assay__unit
),
assay__in_shop AS (
SELECT
  assay__unit, any(assay__arm) AS assay__variant
  , countIf(at >= assay__first) AS assay__y_9d2e8d1ad0ae6f68
  , countIf(at < fromUnixTimestamp({start:Int64})) AS assay__x_9d2e8d1ad0ae6f68
  , ifNull(sumIf(toFloat64(1), at >= assay__first), 0) AS assay__y_0fe28667e847cef7
  , ifNull(sumIf(toFloat64(1), at < fromUnixTimestamp({start:Int64})), 0) AS assay__x_0fe28667e847cef7
FROM orders AS assay__events
INNER JOIN assay__exposures ON buyer = assay__exposures.assay__unit
WHERE at >= fromUnixTimestamp({before:Int64}) AND at < fromUnixTimestamp({end:Int64})
GROUP BY assay__unit
),
assay__units AS (
  SELECT assay__in_app.assay__variant AS assay__variant
    , assay__y_f20c1178933f9931 AS y0
    , toFloat64(((assay__y_ac6f31e028d2896f > 0) AND (assay__y_9d2e8d1ad0ae6f68 > 0))) AS y1
    , toFloat64(((assay__y_ac6f31e028d2896f > 0) OR (assay__y_9d2e8d1ad0ae6f68 > 0))) AS y2
    , assay__y_0fe28667e847cef7 AS y3
    , assay__x_f20c1178933f9931 AS x_y0
    , toFloat64(((assay__x_ac6f31e028d2896f > 0) AND (assay__x_9d2e8d1ad0ae6f68 > 0))) AS x_y1
    , toFloat64(((assay__x_ac6f31e028d2896f > 0) OR (assay__x_9d2e8d1ad0ae6f68 > 0))) AS x_y2
    , assay__x_0fe28667e847cef7 AS x_y3
  FROM assay__in_app
  LEFT JOIN assay__in_shop ON assay__in_app.assay__unit = assay__in_shop.assay__unit
)
SELECT assay__variant AS variant, count() AS n
  , sum(y0) AS s_y0
  , sum(y1) AS s_y1
  , sum(y2) AS s_y2
  , sum(y3) AS s_y3
  , sum(x_y0) AS s_x_y0
  , sum(x_y1) AS s_x_y1
  , sum(x_y2) AS s_x_y2
  , sum(x_y3) AS s_x_y3
  , count() * varPopStable(x_y0) AS c_x_y0__x_y0
  , count() * covarPopStable(x_y0, y0) AS c_x_y0__y0
  , count() * varPopStable(y0) AS c_y0__y0
  , count() * varPopStable(x_y1) AS c_x_y1__x_y1
  , count() * covarPopStable(x_y1, y1) AS c_x_y1__y1
  , count() * varPopStable(y1) AS c_y1__y1
  , count() * covarPopStable(x_y1, x_y2) AS c_x_y1__x_y2
  , count() * covarPopStable(x_y1, y2) AS c_x_y1__y2
  , count() * varPopStable(x_y2) AS c_x_y2__x_y2
  , count() * covarPopStable(x_y2, y1) AS c_x_y2__y1
  , count() * covarPopStable(x_y2, y2) AS c_x_y2__y2
  , count() * covarPopStable(y1, y2) AS c_y1__y2
  , count() * varPopStable(y2) AS c_y2__y2
  , count() * varPopStable(x_y3) AS c_x_y3__x_y3
  , count() * covarPopStable(x_y3, y3) AS c_x_y3__y3
  , count() * varPopStable(y3) AS c_y3__y3
FROM assay__units
GROUP BY variant
ORDER BY variant
SETTINGS join_use_nulls = 0
