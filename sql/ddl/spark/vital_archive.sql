-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one line of the devices' archive: a reading.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       Names and dates of birth are in the files, and left out here; whoever may read
--             the files can read them. JSON Lines alone, one object a line: other forms need
--             `stormlake aggregate`. Of several objects on one line Spark reads the first and
--             drops the rest without a word. A line that is no JSON is a row of NULLs: shown as
--             it is, it would tell a name.
CREATE TABLE IF NOT EXISTS `vital_archive` (
    `timestamp` STRING COMMENT 'Time, e.g. `2026-05-01T12:00:00`.',
    `device_id` STRING COMMENT 'Device, e.g. `device0000`.',
    `patient_id` STRING COMMENT 'Pseudonym of the patient.',
    `temp` DOUBLE COMMENT '[degF] Body temperature.',
    `pulse` DOUBLE COMMENT '[min-1] Pulse.',
    `oxygen_percent` DOUBLE COMMENT '[%] Oxygen saturation.',
    `systolic` DOUBLE COMMENT '[mm[Hg]] Systolic blood pressure.',
    `diastolic` DOUBLE COMMENT '[mm[Hg]] Diastolic blood pressure.'
)
USING json
OPTIONS (
    'mode' = 'PERMISSIVE',
    'recursiveFileLookup' = 'true'
)
COMMENT 'One line of the devices\' archive: a reading. Names and dates of birth are in the files, and left out here; whoever may read the files can read them.'
LOCATION 's3://YOUR-BUCKET/archive/vital_archive/';
