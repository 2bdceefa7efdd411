-- hash buckets of button
-- buckets = 16384
-- salt = 'salt'
SELECT assay__variant AS variant, cityHash64(toString(assay__unit), {salt:String}) % {buckets:UInt32} AS bucket, count() AS n
  , sum(least(y_f20c1178933f9931, 9.5)) AS s_y0
FROM units
WHERE assay__variant != '(crossed)'
GROUP BY variant, bucket
ORDER BY variant, bucket
