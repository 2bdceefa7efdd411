-- series of p90_amount
-- dim = ''
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__t AS t, assay__val AS val
  , ifNotFinite(toNullable(assay__c0), NULL) AS v0
  , NULL AS n0
  , NULL AS d0
FROM (
  SELECT toStartOfMonth(assay__day) AS assay__t, val AS assay__val
    , quantileTDigestMergeIf(0.9)(digest, measure = 'e07f5d47a9c6c1ba' AND assay__span = 1) AS assay__c0
  FROM (
    SELECT measure, val, value, users, digest, 1 AS assay__span, day AS assay__day
    FROM assay.measure_states
    WHERE grain = '1d' AND dim = {dim:String}
      AND measure IN ('e07f5d47a9c6c1ba')
      AND day >= {first:Date} AND day <= {last:Date}
  )
  WHERE assay__day >= {first:Date} AND assay__day <= {last:Date}
  GROUP BY assay__t, assay__val
)
ORDER BY t, val
