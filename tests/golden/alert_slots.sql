-- slots of views, mean_amount
-- days = [datetime.date(2025, 3, 7), datetime.date(2025, 3, 8)]
-- dims = ['', 'city']
-- grain = '30m'
-- slots = [1741348800, 1741435200]
-- windows = [0, 1]
SELECT assay__k AS k, assay__dim AS dim, assay__val AS val
  , ifNotFinite(toNullable(assay__c0), NULL) AS v0
  , NULL AS n0
  , NULL AS d0
  , ifNotFinite(toNullable((assay__c1 / nullIf(assay__c2, 0))), NULL) AS v1
  , ifNotFinite(toNullable(assay__c1), NULL) AS n1
  , ifNotFinite(toNullable(assay__c2), NULL) AS d1
FROM (
  SELECT assay__k, dim AS assay__dim, val AS assay__val
    , sumIf(value, measure = '43361a46ab404c0b' AND assay__window = 'day 0 0') AS assay__c0
    , sumIf(value, measure = 'f20c1178933f9931' AND assay__window = 'day 0 0') AS assay__c1
    , sumIf(value, measure = '2ac5a956035f3744' AND assay__window = 'day 0 0') AS assay__c2
  FROM (
    SELECT slot, dim, val, measure, value, users, digest, 'day 0 0' AS assay__window
    FROM assay.measure_states
    WHERE source IN ('app') AND grain = {grain:String} AND day IN {days:Array(Date)} AND dim IN {dims:Array(String)}
      AND toUnixTimestamp(slot) IN {slots:Array(UInt32)}
      AND measure IN ('43361a46ab404c0b', 'f20c1178933f9931', '2ac5a956035f3744')
  ) AS assay__states
  INNER JOIN (
    SELECT assay__pair.1 AS assay__slot, assay__pair.2 AS assay__k
    FROM (SELECT arrayJoin(arrayZip({slots:Array(UInt32)}, {windows:Array(UInt32)})) AS assay__pair)
  ) AS assay__windows ON toUnixTimestamp(assay__states.slot) = assay__windows.assay__slot
  GROUP BY assay__k, assay__dim, assay__val
)
ORDER BY k, dim, val
