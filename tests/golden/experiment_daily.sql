-- moments until of button
SELECT variant, day, count() AS n
  , sum(y0) AS s_y0
  , sum(y1) AS s_y1
  , count() * varPopStable(y0) AS c_y0__y0
  , count() * covarPopStable(y0, y1) AS c_y0__y1
  , count() * varPopStable(y1) AS c_y1__y1
FROM (
  SELECT assay__variant AS variant, assay__day AS day
    , v_f20c1178933f9931 AS y0
    , v_2ac5a956035f3744 AS y1
  FROM units
  ARRAY JOIN range(3) AS assay__day
    , arrayCumSum(arrayResize(d_f20c1178933f9931, 3, 0.)) AS v_f20c1178933f9931
    , arrayCumSum(arrayResize(d_2ac5a956035f3744, 3, 0.)) AS v_2ac5a956035f3744
  WHERE assay__variant != '(crossed)' AND assay__day >= assay__first
)
GROUP BY variant, day
ORDER BY day, variant
