-- build app 30m
-- end = 1741665600
-- start = 1741410000
INSERT INTO assay.stage (source, grain, day, slot, measure, dim, val, value, users, digest)
SELECT
  'app', '30m',
  toDate(assay__slot, 'America/New_York'), toDateTime(assay__slot, 'UTC'),
  assay__measure, assay__dim, assay__val, assay__value, assay__user, assay__digest
FROM (
  SELECT
    assay__slot, assay__cell.1 AS assay__dim, assay__cell.2 AS assay__val,
    [
      ifNull(sum(assay__c0), 0),
      ifNull(sum(assay__c1), 0),
      ifNull(sum(assay__c2), 0)
    ] AS assay__values,
    [
      arrayReduce('groupBitmapState', emptyArrayUInt64()),
      arrayReduce('groupBitmapState', emptyArrayUInt64()),
      arrayReduce('groupBitmapState', emptyArrayUInt64())
    ] AS assay__users,
    [
      arrayReduce('quantileTDigestState', emptyArrayFloat64()),
      arrayReduce('quantileTDigestState', emptyArrayFloat64()),
      arrayReduce('quantileTDigestState', emptyArrayFloat64())
    ] AS assay__digests
  FROM (
    -- one row per slot and combination of dimensions: far fewer than events, so that one look per dimension is cheap
    SELECT
      assay__slot
      , assay__d_age_group
      , assay__d_city
      , sumIf(assay__v0, assay__w0) AS assay__c0
      , sumIf(assay__v1, assay__w1) AS assay__c1
      , sumIf(assay__v2, assay__w2) AS assay__c2
    FROM (
      SELECT
        assay__slot
        , assay__d_age_group
        , assay__d_city
        , toFloat64(1) AS assay__v0
        , ifNull((kind = 'view'), 0) != 0 AS assay__w0
        , toFloat64(amount) AS assay__v1
        , 1 AS assay__w1
        , toFloat64(isNotNull(amount)) AS assay__v2
        , 1 AS assay__w2
      FROM (
        SELECT *, toStartOfDay(at, 'America/New_York') + intDiv(toUnixTimestamp(at) - toUnixTimestamp(toStartOfDay(at, 'America/New_York')), 1800) * 1800 AS assay__slot
          , multiIf((age) IS NULL, '(none)', (age) < 18, '<18', (age) < 25, '18-24', (age) < 35, '25-34', '35+') AS assay__d_age_group
          , if(ifNull(toString(city), '(none)') IN (SELECT val FROM assay.dimension_values WHERE dimension = 'city:7a769233'), ifNull(toString(city), '(none)'), 'other') AS assay__d_city
        FROM shop.events
        WHERE at >= fromUnixTimestamp({start:Int64}) AND at < fromUnixTimestamp({end:Int64})
  AND (not is_test)
      )
    )
    GROUP BY assay__slot, assay__d_age_group, assay__d_city
  )
  ARRAY JOIN [('', ''), ('age_group', assay__d_age_group), ('city', assay__d_city)] AS assay__cell
  GROUP BY assay__slot, assay__dim, assay__val
)
ARRAY JOIN
  ['43361a46ab404c0b', 'f20c1178933f9931', '2ac5a956035f3744'] AS assay__measure,
  assay__values AS assay__value, assay__users AS assay__user, assay__digests AS assay__digest
SETTINGS max_partitions_per_insert_block = 0
