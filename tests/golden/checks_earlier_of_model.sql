-- earlier rows of app
-- first = datetime.date(2025, 3, 1)
-- last = datetime.date(2025, 3, 7)
SELECT assay__day AS day, count() AS rows
FROM (
  SELECT toDate(day) AS assay__day
  FROM target
  WHERE day >= {first:Date} AND day <= {last:Date}
)
GROUP BY assay__day
