-- distribution of mean_amount of button
-- least = 30.0
SELECT assay__variant AS variant, y_f20c1178933f9931 AS numerator, y_2ac5a956035f3744 AS denominator, count() AS units
FROM units
WHERE assay__variant != '(crossed)'
  AND denominator >= {least:Float64} AND numerator >= 0 AND numerator <= denominator
GROUP BY variant, numerator, denominator
ORDER BY variant, numerator, denominator
