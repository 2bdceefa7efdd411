-- check app 1d: only the days asked for
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT 'days outside the range' AS check, countIf(day < {first:Date} OR day > {last:Date}) AS failures, count() AS rows
FROM assay.stage
