CREATE DATABASE IF NOT EXISTS assay;
CREATE TABLE IF NOT EXISTS assay.measure_states (
  source  LowCardinality(String),
  grain   LowCardinality(String) COMMENT 'length of a slot: 1d, 15m',
  day     Date                   COMMENT 'in the zone of the project',
  slot    DateTime('UTC')        COMMENT 'the beginning of the slot',
  measure LowCardinality(String) COMMENT 'hash of the meaning',
  dim     LowCardinality(String) COMMENT 'empty for the total',
  val     String,
  value   Float64                COMMENT 'sums and counts',
  users   AggregateFunction(groupBitmap, UInt64),
  digest  AggregateFunction(quantileTDigest, Float64)
)
ENGINE = MergeTree
PARTITION BY (source, grain, day)
ORDER BY (dim, measure, val, slot)
-- a day has few rows with large states: a reader of one dimension leaves the others unread
SETTINGS index_granularity = 64;
CREATE TABLE IF NOT EXISTS assay.unit_days (
  source   LowCardinality(String),
  grain    LowCardinality(String) COMMENT 'whose days: unit:user',
  day      Date                   COMMENT 'in the zone of the project',
  unit     UInt64                 COMMENT 'a whole number as it is, anything else by a hash of its text',
  measures LowCardinality(String) COMMENT 'hashes of the meanings of the values, with commas between them',
  values   Array(Float64)         COMMENT 'sums and counts; several rows of a unit and day add up'
)
ENGINE = MergeTree
PARTITION BY (source, grain, day)
ORDER BY unit;
CREATE TABLE IF NOT EXISTS assay.experiment_days (
  experiment LowCardinality(String),
  day        Date                   COMMENT 'in the zone of the project',
  unit       UInt64                 COMMENT 'as in unit_days',
  name       String                 COMMENT 'the unit as text',
  arm        LowCardinality(String) COMMENT 'the variant of its events on this day',
  variant    LowCardinality(String) COMMENT 'the variant of those that expose it; empty when it was not exposed',
  slices     Array(String)          COMMENT 'its dimensions at the first exposure of the day',
  values     Array(Float64)         COMMENT 'its measures from that exposure to the end of the day'
)
ENGINE = MergeTree
PARTITION BY (experiment, day)
ORDER BY unit;
CREATE TABLE IF NOT EXISTS assay.experiment_totals (
  experiment   LowCardinality(String),
  day          Date                   COMMENT 'the last one that is in, in the zone of the project',
  unit         UInt64                 COMMENT 'as in unit_days',
  name         String                 COMMENT 'the unit as text',
  entered      Date                   COMMENT 'the day of its first exposure',
  variant      LowCardinality(String),
  past         UInt8                  COMMENT 'whether it did anything before the start',
  slices       Array(String)          COMMENT 'its dimensions at its first exposure',
  after_entry  Array(Float64)         COMMENT 'its measures since that',
  before_start Array(Float64)         COMMENT 'the same of its past',
  by_day       Array(Array(Float64))  COMMENT 'some of them by day of the experiment'
)
ENGINE = MergeTree
PARTITION BY (experiment, day)
ORDER BY unit;
CREATE TABLE IF NOT EXISTS assay.experiment_results (
  experiment      LowCardinality(String),
  analysis        String COMMENT 'hash of everything that was found: the same analysis is stored once',
  at              DateTime64(6, 'UTC') COMMENT 'the moment of the analysis',
  first_day       Date,
  until           Date COMMENT 'the day after the last one that was read',
  verdict         LowCardinality(String),
  reasons         Array(String),
  gates           String COMMENT 'JSON: name, status, p-value and detail of each gate',
  metric          LowCardinality(String),
  meaning         String COMMENT 'hash of what the metric measured',
  role            LowCardinality(String),
  variant         LowCardinality(String),
  dimension       LowCardinality(String) COMMENT 'empty for everyone',
  value           String,
  method          LowCardinality(String),
  control         Nullable(Float64),
  treatment       Nullable(Float64),
  difference      Nullable(Float64),
  low             Nullable(Float64),
  high            Nullable(Float64),
  relative        Nullable(Float64),
  relative_low    Nullable(Float64),
  relative_high   Nullable(Float64),
  se              Nullable(Float64),
  pvalue          Nullable(Float64),
  pvalue_adjusted Nullable(Float64),
  n_control       UInt64,
  n_treatment     UInt64,
  reason          String COMMENT 'why there is no number',
  seed            UInt64,
  version         LowCardinality(String) COMMENT 'of Assay'
)
ENGINE = MergeTree
ORDER BY (experiment, at, metric, variant, dimension, value)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.builds (
  source      LowCardinality(String),
  grain       LowCardinality(String),
  day         Date,
  measures    Array(String)   COMMENT 'what this day holds',
  dimensions  Array(String)   COMMENT 'by which it is split: names with their meanings',
  fingerprint String          COMMENT 'hash of measures and dimensions',
  until       DateTime('UTC') COMMENT 'events before this moment are in',
  seen        DateTime('UTC') DEFAULT until COMMENT 'rows that had arrived by then are in',
  run         String,
  finished_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'only to tell the newest build'
)
ENGINE = ReplacingMergeTree(finished_at)
ORDER BY (source, grain, day)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.dimension_values (
  dimension String COMMENT 'name and hash of the meaning',
  val       String
)
ENGINE = MergeTree
ORDER BY (dimension, val);
CREATE TABLE IF NOT EXISTS assay.check_results (
  kind        LowCardinality(String) COMMENT 'source, model or metric',
  subject     LowCardinality(String),
  check       String,
  severity    LowCardinality(String) COMMENT 'error or warn',
  first_day   Date,
  last_day    Date,
  status      LowCardinality(String) COMMENT 'passed, failed or skipped',
  value       Nullable(Float64)      COMMENT 'rows that fail, or the value of the metric',
  message     String,
  run         String,
  at          DateTime64(6, 'UTC')   COMMENT 'the moment of the run',
  finished_at DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'only to tell the newest result'
)
ENGINE = MergeTree
ORDER BY (kind, subject, first_day, check, severity)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.alert_memory (
  alert       LowCardinality(String),
  fingerprint String          COMMENT 'metric and slice; empty for the alert itself',
  slot        Int64           COMMENT 'the number of the newest judged slot',
  state       String          COMMENT 'what is remembered, as JSON; empty for nothing',
  stored_at   DateTime64(6, 'UTC') DEFAULT now64(6) COMMENT 'only to tell the newest'
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (alert, fingerprint, slot)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.alert_events (
  alert    LowCardinality(String),
  metric   LowCardinality(String),
  dim      LowCardinality(String),
  val      String,
  episode  String,
  sequence UInt32                 COMMENT 'of the event in its episode',
  incident String                 COMMENT 'the message thread that it belongs to; empty if nobody was told',
  about    LowCardinality(String) COMMENT 'anomaly or no_data',
  kind     LowCardinality(String) COMMENT 'fire, update, repeat, resolve or correct',
  slot     DateTime('UTC')        COMMENT 'the beginning of the judged slot',
  since    DateTime('UTC')        COMMENT 'the beginning of the first slot of the episode',
  critical UInt8,
  told     UInt8,
  quiet    Array(String)          COMMENT 'why nobody was told',
  lost     Float64                COMMENT 'expected less seen, over the slots that carry the episode',
  finding  String                 COMMENT 'what was found, as JSON'
)
ENGINE = ReplacingMergeTree
ORDER BY (alert, episode, sequence)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.alert_scores (
  alert     LowCardinality(String),
  metric    LowCardinality(String),
  dim       LowCardinality(String),
  val       String,
  slot      DateTime('UTC')    COMMENT 'the beginning of the judged slot',
  value     Nullable(Float64),
  expected  Nullable(Float64),
  low       Nullable(Float64),
  high      Nullable(Float64),
  sigma     Nullable(Float64),
  score     Nullable(Float64),
  threshold Float64,
  hit       Int8               COMMENT '-1 or 1 for a deviation that counts',
  rule      String             COMMENT 'hash of the detector and its parameters'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(slot)
ORDER BY (alert, metric, dim, val, slot)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.alert_actions (
  id     String,
  at     DateTime64(6, 'UTC'),
  kind   LowCardinality(String) COMMENT 'ack, snooze, silence, unsilence, useful or noise',
  target String                 COMMENT 'an incident or, of unsilence, a silence',
  match  String                 COMMENT 'of a silence: labels and their values, as JSON',
  start  DateTime('UTC'),
  until  DateTime('UTC')        COMMENT 'of a snooze or a silence',
  who    String,
  why    String
)
ENGINE = ReplacingMergeTree
ORDER BY (at, id)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.forecast_runs (
  forecast  LowCardinality(String),
  metric    LowCardinality(String),
  made      Date               COMMENT 'the first day that it knew nothing of: training ended the day before',
  run       String             COMMENT 'hash of what was forecast: its points carry it',
  at        DateTime64(6, 'UTC') COMMENT 'when it was made',
  model     String             COMMENT 'the chosen candidate',
  published UInt8              COMMENT '0: withheld, and why says why',
  why       String,
  error     LowCardinality(String) COMMENT 'the error by which models were compared',
  score     Float64            COMMENT 'of the model over the windows of the backtest',
  unseen    Nullable(Float64)  COMMENT 'of what earlier windows would have chosen, on the later ones',
  baseline  LowCardinality(String),
  baseline_score Float64,
  coverage  Float64            COMMENT 'share of the windows inside their intervals',
  level     Float64,
  history   Date               COMMENT 'the first day that was learnt from',
  meaning   String             COMMENT 'hash of the metric',
  version   LowCardinality(String) COMMENT 'of Assay',
  body      String             COMMENT 'JSON: the table of candidates, seasons, events, capacity'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (forecast, metric, made)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.forecast_points (
  forecast  LowCardinality(String),
  metric    LowCardinality(String),
  made      Date,
  run       String   COMMENT 'of forecast_runs',
  day       Date     COMMENT 'the local day that is forecast',
  mean      Float64,
  low       Float64,
  high      Float64
)
ENGINE = ReplacingMergeTree
ORDER BY (forecast, metric, made, run, day)
SETTINGS non_replicated_deduplication_window = 1000;
CREATE TABLE IF NOT EXISTS assay.impact_results (
  impact    LowCardinality(String),
  run       String             COMMENT 'hash of what was found: the same findings are one row',
  at        DateTime64(6, 'UTC'),
  metric    LowCardinality(String),
  trust     LowCardinality(String) COMMENT 'ok, weak or refused',
  found     UInt8,
  relative  Nullable(Float64),
  relative_low Nullable(Float64),
  relative_high Nullable(Float64),
  cumulative Float64,
  cumulative_low Float64,
  cumulative_high Float64,
  pvalue    Float64,
  meaning   String             COMMENT 'hash of the metric',
  seed      UInt64,
  version   LowCardinality(String) COMMENT 'of Assay',
  body      String             COMMENT 'JSON: all of it, as the command prints it'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (impact, run)
SETTINGS non_replicated_deduplication_window = 1000
