-- exposure in button
-- after = datetime.date(2025, 3, 11)
-- first_day = datetime.date(2025, 3, 8)
SELECT assay__variant AS variant, count() AS assigned, countIf(assay__exposed) AS exposed
FROM (
  SELECT unit, any(arm) AS assay__variant, max(variant != '') AS assay__exposed
  FROM assay.experiment_days
  WHERE experiment = 'button' AND day >= {first_day:Date} AND day < {after:Date}
  GROUP BY unit
  HAVING min(arm) = max(arm) AND assay__variant != '(crossed)'
)
GROUP BY variant
ORDER BY variant
