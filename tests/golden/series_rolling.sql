-- series of weekly_users
-- dim = ''
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__t AS t, assay__val AS val
  , ifNotFinite(toNullable(toFloat64(bitmapCardinality(assay__c0))), NULL) AS v0
  , NULL AS n0
  , NULL AS d0
FROM (
  SELECT assay__t, assay__dim, assay__val
    , groupBitmapMergeStateIf(users, measure = 'ac6f31e028d2896f' AND assay__window = 'day -6 0') AS assay__c0
  FROM (
    SELECT measure, dim AS assay__dim, val AS assay__val, users, assay__read.1 AS assay__window, assay__read.2 AS assay__t
    FROM assay.measure_states
    ARRAY JOIN arrayMap(assay__shift -> ('day -6 0', day - assay__shift), range(-6, 1)) AS assay__read
    WHERE source IN ('app') AND grain = '1d' AND (
      (dim = {dim:String} AND measure IN ('ac6f31e028d2896f') AND day >= {first:Date} + (-6) AND day <= {last:Date})
    )
    -- a day is a small part: to read its columns in two steps, or its index by threads, costs more than it saves
    SETTINGS optimize_move_to_prewhere = 0, max_threads_for_indexes = 1
  )
  WHERE assay__t >= {first:Date} AND assay__t <= {last:Date}
  GROUP BY assay__t, assay__dim, assay__val
)
ORDER BY t, val
