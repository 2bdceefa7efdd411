-- series of p90_amount
-- dim = ''
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__s.assay__t AS t, assay__s.assay__val AS val
  , ifNotFinite(toNullable(assay__c0), NULL) AS v0
  , NULL AS n0
  , NULL AS d0
FROM (
  SELECT assay__t, assay__val
    , quantileTDigestMergeIf(0.9)(digest, measure = 'e07f5d47a9c6c1ba' AND assay__window = 'day 0 0') AS assay__c0
  FROM (
    SELECT measure, val AS assay__val, digest, 'day 0 0' AS assay__window, toStartOfMonth(day) AS assay__t
    FROM assay.measure_states
    WHERE source IN ('app') AND grain = '1d' AND dim = {dim:String}
      AND measure IN ('e07f5d47a9c6c1ba')
      AND day >= {first:Date} AND day <= {last:Date}
  )
  WHERE assay__t >= toStartOfMonth({first:Date}) AND assay__t <= {last:Date}
  GROUP BY assay__t, assay__val
) AS assay__s
ORDER BY t, val
