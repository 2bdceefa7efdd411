-- units of button
CREATE TABLE assay.experiment_totals__stg_units (
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
  by_day       Array(Array(Float64))  COMMENT 'some of them by day of the experiment',
  assay__unit String ALIAS name,
  assay__variant String ALIAS toString(variant),
  assay__first Int32 ALIAS toInt32(dateDiff('day', toDate('2025-03-08'), entered)),
  assay__by_city String ALIAS slices[1],
  assay__by_age_group String ALIAS slices[2],
  y_0fe28667e847cef7 Float64 ALIAS after_entry[1],
  x_0fe28667e847cef7 Float64 ALIAS before_start[1],
  y_9d2e8d1ad0ae6f68 Float64 ALIAS after_entry[2],
  x_9d2e8d1ad0ae6f68 Float64 ALIAS before_start[2],
  y_ac6f31e028d2896f Float64 ALIAS after_entry[3],
  x_ac6f31e028d2896f Float64 ALIAS before_start[3],
  y_f20c1178933f9931 Float64 ALIAS after_entry[4],
  x_f20c1178933f9931 Float64 ALIAS before_start[4],
  d_f20c1178933f9931 Array(Float64) ALIAS by_day[1],
  assay__past UInt8 ALIAS past
)
ENGINE = MergeTree
PARTITION BY (experiment, day)
ORDER BY unit
COMMENT 'assay: []'
