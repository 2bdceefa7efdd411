-- series of views, spend
-- dim = ''
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__s.assay__t AS t, assay__s.assay__val AS val
  , ifNotFinite(toNullable(assay__c0), NULL) AS v0
  , NULL AS n0
  , NULL AS d0
  , ifNotFinite(toNullable(assay__c1), NULL) AS v1
  , NULL AS n1
  , NULL AS d1
FROM (
  SELECT assay__t, assay__val
    , sumIf(value, measure = '43361a46ab404c0b' AND assay__window = 'day 0 0') AS assay__c0
    , sumIf(value, measure = 'f20c1178933f9931' AND assay__window = 'day 0 0') AS assay__c1
  FROM (
    SELECT measure, val AS assay__val, value, 'day 0 0' AS assay__window, day AS assay__t
    FROM assay.measure_states
    WHERE source IN ('app') AND grain = '1d' AND dim = {dim:String}
      AND measure IN ('43361a46ab404c0b', 'f20c1178933f9931')
      AND day >= {first:Date} AND day <= {last:Date}
  )
  WHERE assay__t >= {first:Date} AND assay__t <= {last:Date}
  GROUP BY assay__t, assay__val
) AS assay__s
ORDER BY t, val
