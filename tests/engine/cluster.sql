-- our database
CREATE DATABASE IF NOT EXISTS assay ON CLUSTER 'main';

-- a whole table
CREATE TABLE IF NOT EXISTS assay.builds ON CLUSTER 'main' (
  day Date,
  at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/all', '{shard}-{replica}', at)
ORDER BY day;

-- a stage of it
CREATE TABLE assay.states__stg_1 ON CLUSTER 'main' AS assay.states COMMENT 'assay: []';

-- published
SYSTEM SYNC REPLICA assay.states__rdy_1;
ALTER TABLE assay.states
  REPLACE PARTITION '2025-05-01' FROM assay.states__rdy_1
SETTINGS allow_replace_partition_from_empty_source = 1;

-- values that every shard compares with
INSERT INTO assay.dimension_values (dimension, val)
SELECT 'city', city FROM app.events;
SYSTEM SYNC REPLICA ON CLUSTER 'main' assay.dimension_values;

-- a stage that was checked
RENAME TABLE assay.states__stg_1 TO assay.states__rdy_1 ON CLUSTER 'main';

-- a whole table anew
SYSTEM SYNC REPLICA ON CLUSTER 'main' assay.fact__stg_1;
EXCHANGE TABLES assay.fact AND assay.fact__stg_1 ON CLUSTER 'main';

-- a stage that is dropped
DROP TABLE IF EXISTS assay.states__rdy_1 ON CLUSTER 'main' SYNC;

-- a spread table
CREATE TABLE IF NOT EXISTS assay.unit_days_local ON CLUSTER 'main' (day Date, unit UInt64)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
PARTITION BY day
ORDER BY unit;
CREATE TABLE IF NOT EXISTS assay.unit_days ON CLUSTER 'main' AS assay.unit_days_local ENGINE = Distributed('main', 'assay', 'unit_days_local', cityHash64(unit));

-- a stage of a spread table
CREATE TABLE assay.unit_days__stg_1_local ON CLUSTER 'main' AS assay.unit_days_local COMMENT 'assay: []';
CREATE TABLE assay.unit_days__stg_1 ON CLUSTER 'main' AS assay.unit_days__stg_1_local ENGINE = Distributed('main', 'assay', 'unit_days__stg_1_local', cityHash64(unit)) COMMENT 'assay: []';

-- filled where events are sharded by the same
INSERT INTO assay.unit_days__stg_1 (day, unit)
SELECT assay__rows.*
FROM cluster('main', system.one) AS assay__shard
INNER JOIN (
SELECT day, user_id FROM app.events GROUP BY day, user_id
) AS assay__rows ON assay__shard.dummy = 0
SETTINGS max_partitions_per_insert_block = 0, distributed_product_mode = 'local';

-- filled where they are not
INSERT INTO assay.unit_days__stg_1 (day, unit)
SELECT day, session FROM app.events GROUP BY day, session;

-- a checked stage of a spread table
RENAME TABLE assay.unit_days__stg_1_local TO assay.unit_days__rdy_1_local ON CLUSTER 'main';
DROP TABLE assay.unit_days__stg_1 ON CLUSTER 'main' SYNC;

-- published on every shard
SYSTEM SYNC REPLICA ON CLUSTER 'main' assay.unit_days__rdy_1_local;
ALTER TABLE assay.unit_days_local ON CLUSTER 'main'
  REPLACE PARTITION '2025-05-01' FROM assay.unit_days__rdy_1_local
SETTINGS allow_replace_partition_from_empty_source = 1;

-- what died, finished
SYSTEM SYNC REPLICA ON CLUSTER 'main' assay.unit_days__rdy_1_local;
ALTER TABLE assay.unit_days_local ON CLUSTER 'main'
  REPLACE PARTITION '2025-05-01' FROM assay.unit_days__rdy_1_local;

-- dropped from every shard
DROP TABLE IF EXISTS assay.unit_days__rdy_1 ON CLUSTER 'main' SYNC;
DROP TABLE IF EXISTS assay.unit_days__rdy_1_local ON CLUSTER 'main' SYNC;

-- units of an experiment
CREATE TABLE assay.experiment_units__stg_1_local ON CLUSTER 'main'
ENGINE = ReplicatedMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}')
ORDER BY tuple()
COMMENT 'assay: []'
EMPTY AS WITH assay__exposures AS (SELECT user_id AS assay__unit FROM app.events WHERE at >= {start:DateTime})
SELECT assay__unit, count() AS y FROM assay__exposures GROUP BY assay__unit
SETTINGS join_use_nulls = 0;
CREATE TABLE assay.experiment_units__stg_1 ON CLUSTER 'main' AS assay.experiment_units__stg_1_local ENGINE = Distributed('main', 'assay', 'experiment_units__stg_1_local', cityHash64(assay__unit)) COMMENT 'assay: []';
INSERT INTO assay.experiment_units__stg_1
SELECT assay__rows.*
FROM cluster('main', system.one) AS assay__shard
INNER JOIN (
WITH assay__exposures AS (SELECT user_id AS assay__unit FROM app.events WHERE at >= {start:DateTime})
SELECT assay__unit, count() AS y FROM assay__exposures GROUP BY assay__unit
) AS assay__rows ON assay__shard.dummy = 0
SETTINGS join_use_nulls = 0, distributed_product_mode = 'local';
