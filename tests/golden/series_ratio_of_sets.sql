-- series of conversion
-- dim = 'city'
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__t AS t, assay__val AS val
  , ifNotFinite(toNullable((toFloat64(bitmapCardinality(bitmapAnd(assay__c0, assay__c1))) / nullIf(toFloat64(bitmapCardinality(bitmapOr(assay__c0, assay__c1))), 0))), NULL) AS v0
  , ifNotFinite(toNullable(toFloat64(bitmapCardinality(bitmapAnd(assay__c0, assay__c1)))), NULL) AS n0
  , ifNotFinite(toNullable(toFloat64(bitmapCardinality(bitmapOr(assay__c0, assay__c1)))), NULL) AS d0
FROM (
  SELECT toMonday(assay__day) AS assay__t, val AS assay__val
    , groupBitmapMergeStateIf(users, measure = 'ac6f31e028d2896f' AND assay__span = 1) AS assay__c0
    , groupBitmapMergeStateIf(users, measure = '16b7bdf3b970da9c' AND assay__span = 1) AS assay__c1
  FROM (
    SELECT measure, val, value, users, digest, 1 AS assay__span, day AS assay__day
    FROM assay.measure_states
    WHERE grain = '1d' AND dim = {dim:String}
      AND measure IN ('ac6f31e028d2896f', '16b7bdf3b970da9c')
      AND day >= {first:Date} AND day <= {last:Date}
  )
  WHERE assay__day >= {first:Date} AND assay__day <= {last:Date}
  GROUP BY assay__t, assay__val
)
ORDER BY t, val
