-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one line of the devices' archive: a reading.
-- Parameters  none
-- Engines     Hive.
-- Notes       Names and dates of birth are in the files, and left out here; whoever may read
--             the files can read them. JSON Lines alone, one object a line: other forms need
--             `stormlake aggregate`. A query fails on a line that is no JSON. Filter by
--             datehour. Hive takes no notice of the projection: ALTER TABLE … ADD PARTITION
--             (datehour = '2026/05/01/21') LOCATION '…/2026/05/01/21/' for each hour.
CREATE EXTERNAL TABLE IF NOT EXISTS `vital_archive` (
    `timestamp` STRING COMMENT 'Time, e.g. `2026-05-01T12:00:00`.',
    `device_id` STRING COMMENT 'Device, e.g. `device0000`.',
    `patient_id` STRING COMMENT 'Pseudonym of the patient.',
    `temp` DOUBLE COMMENT '[degF] Body temperature.',
    `pulse` DOUBLE COMMENT '[min-1] Pulse.',
    `oxygen_percent` DOUBLE COMMENT '[%] Oxygen saturation.',
    `systolic` DOUBLE COMMENT '[mm[Hg]] Systolic blood pressure.',
    `diastolic` DOUBLE COMMENT '[mm[Hg]] Diastolic blood pressure.'
)
COMMENT 'One line of the devices\' archive: a reading. Names and dates of birth are in the files, and left out here; whoever may read the files can read them.'
PARTITIONED BY (
    `datehour` STRING COMMENT 'UTC hour of arrival, e.g. `2026/05/01/21`.'
)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
LOCATION 's3://YOUR-BUCKET/archive/vital_archive/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.datehour.type' = 'date',
    'projection.datehour.format' = 'yyyy/MM/dd/HH',
    'projection.datehour.range' = '2015/01/01/00,NOW',
    'projection.datehour.interval' = '1',
    'projection.datehour.interval.unit' = 'HOURS',
    'storage.location.template' = 's3://YOUR-BUCKET/archive/vital_archive/${datehour}/'
);
