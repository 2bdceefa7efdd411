-- slots of views, mean_amount
-- dims = ['', 'city']
-- first = datetime.date(2025, 3, 8)
-- grain = '30m'
-- last = datetime.date(2025, 3, 9)
-- length = 96
-- minutes = 30
-- per_day = 48
-- start = 967440
-- stride = 6
-- take = 3
-- vals = ['', 'A', "it's"]
SELECT dim, val, groupArray(assay__k) AS k
  , groupArray(ifNull(toFloat64(v0), nan)) AS v0
  , groupArray(ifNull(toFloat64(n0), nan)) AS n0
  , groupArray(ifNull(toFloat64(d0), nan)) AS d0
  , groupArray(ifNull(toFloat64(v1), nan)) AS v1
  , groupArray(ifNull(toFloat64(n1), nan)) AS n1
  , groupArray(ifNull(toFloat64(d1), nan)) AS d1
FROM (
  SELECT assay__k, assay__dim AS dim, assay__val AS val
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
      SELECT
        toInt32(day) * {per_day:Int64} + toInt64(floor((toHour(slot, 'America/New_York') * 60 + toMinute(slot, 'America/New_York')) / {minutes:Int64} + 0.5)) - {start:Int64} AS assay__at,
        intDiv(assay__at, {stride:Int64}) AS assay__k,
        dim, val, measure, value, users, digest, 'day 0 0' AS assay__window
      FROM assay.measure_states
      WHERE source IN ('app') AND grain = {grain:String}
        AND day BETWEEN {first:Date} AND {last:Date} AND dim IN {dims:Array(String)}
        AND measure IN ('43361a46ab404c0b', 'f20c1178933f9931', '2ac5a956035f3744')
        AND assay__at >= 0 AND assay__at < {length:Int64} AND assay__at % {stride:Int64} >= {stride:Int64} - {take:Int64}
        AND floor((toHour(slot, 'America/New_York') * 60 + toMinute(slot, 'America/New_York')) / {minutes:Int64} + 0.5) < {per_day:Int64}
        -- where the clock goes back, the hour counts once
        AND (toHour(slot, 'America/New_York') * 60 + toMinute(slot, 'America/New_York')) != (toHour(slot - INTERVAL 1 HOUR, 'America/New_York') * 60 + toMinute(slot - INTERVAL 1 HOUR, 'America/New_York'))
        AND (toHour(slot, 'America/New_York') * 60 + toMinute(slot, 'America/New_York')) != (toHour(slot - INTERVAL 30 MINUTE, 'America/New_York') * 60 + toMinute(slot - INTERVAL 30 MINUTE, 'America/New_York')) -- on Lord Howe Island, half of it
        AND val IN {vals:Array(String)}
    ) AS assay__states
    GROUP BY assay__k, assay__dim, assay__val
  )
)
GROUP BY dim, val
ORDER BY dim, val
