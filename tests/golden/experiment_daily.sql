-- moments until of button
SELECT variant, day, count() AS n
  , sum(y0) AS s_y0
  , sum(y1) AS s_y1
  , sum(x_y0) AS s_x_y0
  , sum(x_y1) AS s_x_y1
  , count() * varPopStable(x_y0) AS c_x_y0__x_y0
  , count() * covarPopStable(x_y0, y0) AS c_x_y0__y0
  , count() * varPopStable(y0) AS c_y0__y0
  , count() * covarPopStable(x_y0, x_y1) AS c_x_y0__x_y1
  , count() * covarPopStable(x_y0, y1) AS c_x_y0__y1
  , count() * varPopStable(x_y1) AS c_x_y1__x_y1
  , count() * covarPopStable(x_y1, y0) AS c_x_y1__y0
  , count() * covarPopStable(x_y1, y1) AS c_x_y1__y1
  , count() * covarPopStable(y0, y1) AS c_y0__y1
  , count() * varPopStable(y1) AS c_y1__y1
FROM (
  SELECT assay__variant AS variant, assay__day AS day
    , v_f20c1178933f9931 AS y0
    , v_2ac5a956035f3744 AS y1
    , x_f20c1178933f9931 AS x_y0
    , x_2ac5a956035f3744 AS x_y1
  FROM units
  ARRAY JOIN range(3) AS assay__day
    , arrayCumSum(arrayResize(d_f20c1178933f9931, 3, 0.)) AS v_f20c1178933f9931
    , arrayCumSum(arrayResize(d_2ac5a956035f3744, 3, 0.)) AS v_2ac5a956035f3744
  WHERE assay__variant != '(crossed)' AND assay__day >= assay__first
)
GROUP BY variant, day
ORDER BY day, variant
