-- series of weekly_users
-- dim = ''
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__t AS t, assay__val AS val
  , ifNotFinite(toNullable(toFloat64(bitmapCardinality(assay__c0))), NULL) AS v0
  , NULL AS n0
  , NULL AS d0
FROM (
  SELECT assay__day AS assay__t, val AS assay__val
    , groupBitmapMergeStateIf(users, measure = 'ac6f31e028d2896f' AND assay__span = 7) AS assay__c0
  FROM (
    SELECT measure, val, value, users, digest, 7 AS assay__span, day + assay__shift AS assay__day
    FROM assay.measure_states
    ARRAY JOIN range(7) AS assay__shift
    WHERE grain = '1d' AND dim = {dim:String}
      AND measure IN ('ac6f31e028d2896f')
      AND day >= {first:Date} - 6 AND day <= {last:Date}
  )
  WHERE assay__day >= {first:Date} AND assay__day <= {last:Date}
  GROUP BY assay__t, assay__val
)
ORDER BY t, val
