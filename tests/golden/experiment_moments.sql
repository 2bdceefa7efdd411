-- moments of button
SELECT variant
  , multiIf(grouping(assay__d_city) = 0, 'city', grouping(assay__d_age_group) = 0, 'age_group', '') AS dim
  , multiIf(grouping(assay__d_city) = 0, assay__d_city, grouping(assay__d_age_group) = 0, assay__d_age_group, '') AS val
  , count() AS n
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
FROM (
  SELECT assay__variant AS variant
    , if(assay__by_city IN (SELECT assay__by_city FROM experiment_units GROUP BY 1 ORDER BY count() DESC, 1 LIMIT 3), assay__by_city, 'other') AS assay__d_city
    , assay__by_age_group AS assay__d_age_group
    , y_f20c1178933f9931 AS y0
    , toFloat64(((y_ac6f31e028d2896f > 0) AND (y_9d2e8d1ad0ae6f68 > 0))) AS y1
    , toFloat64(((y_ac6f31e028d2896f > 0) OR (y_9d2e8d1ad0ae6f68 > 0))) AS y2
    , y_0fe28667e847cef7 AS y3
    , x_f20c1178933f9931 AS x_y0
    , toFloat64(((x_ac6f31e028d2896f > 0) AND (x_9d2e8d1ad0ae6f68 > 0))) AS x_y1
    , toFloat64(((x_ac6f31e028d2896f > 0) OR (x_9d2e8d1ad0ae6f68 > 0))) AS x_y2
    , x_0fe28667e847cef7 AS x_y3
  FROM experiment_units
  WHERE assay__variant != '(crossed)'
)
GROUP BY GROUPING SETS ((variant), (variant, assay__d_city), (variant, assay__d_age_group))
ORDER BY dim, val, variant
