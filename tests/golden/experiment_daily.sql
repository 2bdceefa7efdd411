-- moments until of button
SELECT variant, day, count() AS n
  , sum(y0) AS s_y0
  , sum(x_y0) AS s_x_y0
  , count() * varPopStable(x_y0) AS c_x_y0__x_y0
  , count() * covarPopStable(x_y0, y0) AS c_x_y0__y0
  , count() * varPopStable(y0) AS c_y0__y0
FROM (
  SELECT assay__variant AS variant, assay__day AS day
    , v_f20c1178933f9931 AS y0
    , x_f20c1178933f9931 AS x_y0
  FROM units
  ARRAY JOIN range(3) AS assay__day
    , arrayCumSum(arrayResize(d_f20c1178933f9931, 3, 0.)) AS v_f20c1178933f9931
  WHERE assay__variant != '(crossed)' AND assay__day >= assay__first
)
GROUP BY variant, day
ORDER BY day, variant
