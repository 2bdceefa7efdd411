-- series of mean_amount
-- dim = ''
-- first = datetime.date(2025, 3, 8)
-- last = datetime.date(2025, 3, 10)
SELECT assay__t AS t, assay__val AS val
  , ifNotFinite(toNullable((assay__c0 / nullIf(assay__c1, 0))), NULL) AS v0
  , ifNotFinite(toNullable(assay__c0), NULL) AS n0
  , ifNotFinite(toNullable(assay__c1), NULL) AS d0
FROM (
  SELECT assay__t, assay__dim, assay__val
    , sumIf(value, measure = 'f20c1178933f9931' AND assay__window = 'day 0 0') AS assay__c0
    , sumIf(value, measure = '2ac5a956035f3744' AND assay__window = 'day 0 0') AS assay__c1
  FROM (
    SELECT measure, dim AS assay__dim, val AS assay__val, value, assay__read.1 AS assay__window, assay__read.2 AS assay__t
    FROM assay.measure_states
    ARRAY JOIN [('day 0 0', {first:Date})] AS assay__read
    WHERE source IN ('app') AND grain = '1d' AND (
      (dim = {dim:String} AND measure IN ('f20c1178933f9931', '2ac5a956035f3744') AND day >= {first:Date} AND day <= {last:Date})
    )
    -- a day is a small part: to read its columns in two steps, or its index by threads, costs more than it saves
    SETTINGS optimize_move_to_prewhere = 0, max_threads_for_indexes = 1
  )
  WHERE assay__t >= {first:Date} AND assay__t <= {last:Date}
  GROUP BY assay__t, assay__dim, assay__val
)
ORDER BY t, val
