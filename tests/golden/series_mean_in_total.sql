-- series of mean_amount
-- dim = ''
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__t AS t, assay__val AS val
  , ifNotFinite(toNullable((assay__c0 / nullIf(assay__c1, 0))), NULL) AS v0
  , ifNotFinite(toNullable(assay__c0), NULL) AS n0
  , ifNotFinite(toNullable(assay__c1), NULL) AS d0
FROM (
  SELECT {first:Date} AS assay__t, val AS assay__val
    , sumIf(value, measure = 'f20c1178933f9931' AND assay__span = 1) AS assay__c0
    , sumIf(value, measure = '2ac5a956035f3744' AND assay__span = 1) AS assay__c1
  FROM (
    SELECT measure, val, value, users, digest, 1 AS assay__span, day AS assay__day
    FROM assay.measure_states
    WHERE grain = '1d' AND dim = {dim:String}
      AND measure IN ('f20c1178933f9931', '2ac5a956035f3744')
      AND day >= {first:Date} AND day <= {last:Date}
  )
  WHERE assay__day >= {first:Date} AND assay__day <= {last:Date}
  GROUP BY assay__t, assay__val
)
ORDER BY t, val
