-- series of stickiness
-- dim = 'age_group'
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__s.assay__t AS t, assay__s.assay__val AS val
  , ifNotFinite(toNullable((((toFloat64(2.0) * toFloat64(bitmapCardinality(assay__c0))) / nullIf(toFloat64(bitmapCardinality(assay__c1)), 0)) - toFloat64(1.0))), NULL) AS v0
  , NULL AS n0
  , NULL AS d0
FROM (
  SELECT assay__t, assay__val
    , groupBitmapMergeStateIf(users, measure = 'ac6f31e028d2896f' AND assay__window = 'day 0 0') AS assay__c0
    , groupBitmapMergeStateIf(users, measure = 'ac6f31e028d2896f' AND assay__window = 'day -6 0') AS assay__c1
  FROM (
    SELECT measure, val AS assay__val, users, 'day 0 0' AS assay__window, day AS assay__t
    FROM assay.measure_states
    WHERE source IN ('app') AND grain = '1d' AND dim = {dim:String}
      AND measure IN ('ac6f31e028d2896f')
      AND day >= {first:Date} AND day <= {last:Date}
    UNION ALL
    SELECT measure, val AS assay__val, users, 'day -6 0' AS assay__window, day - assay__shift AS assay__t
    FROM assay.measure_states
    ARRAY JOIN range(-6, 1) AS assay__shift
    WHERE source IN ('app') AND grain = '1d' AND dim = {dim:String}
      AND measure IN ('ac6f31e028d2896f')
      AND day >= {first:Date} + (-6) AND day <= {last:Date}
  )
  WHERE assay__t >= {first:Date} AND assay__t <= {last:Date}
  GROUP BY assay__t, assay__val
) AS assay__s
ORDER BY t, val
