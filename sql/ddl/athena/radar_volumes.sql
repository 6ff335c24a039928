-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one archive object of the run: what it was, what became of it, and why.
-- Parameters  none
-- Engines     Athena.
-- Notes       Every object of the source is exactly one row. A query must name its station
--             (WHERE station = '…'): a value that is missing in a list would be missing in the
--             answers, and nobody would know. `--values` makes a list.
CREATE EXTERNAL TABLE IF NOT EXISTS `radar_volumes` (
    `key` STRING COMMENT 'Key of the object below the source; a folder of chunks ends in `/`.',
    `key_time` TIMESTAMP COMMENT 'Start of the volume by its key; seconds.',
    `volume_time` TIMESTAMP COMMENT 'Time of the first ray, which may differ from the key by half a minute. NULL when the volume gave none.',
    `size` BIGINT COMMENT '[byte] Size of the object as listed.',
    `status` STRING COMMENT '`ok`, `partial` (has rows, but the volume is not whole), `rejected` or `skipped`.',
    `reason` STRING COMMENT 'Why the status is not `ok`, in one word; NULL when it is.',
    `detail` STRING COMMENT 'What was found, in the words of whoever found it.',
    `vcp` SMALLINT COMMENT '[1] Volume coverage pattern: the number of the scan strategy.',
    `latitude` DOUBLE COMMENT '[degrees_north] Latitude of the antenna.',
    `longitude` DOUBLE COMMENT '[degrees_east] Longitude of the antenna.',
    `altitude` DOUBLE COMMENT '[m] Height of the antenna above sea level.',
    `grid` STRING COMMENT 'Grid of the volume\'s rows: `<profile>-<8 hex of the grid and the antenna\'s place>`; joins to `radar_geometry`.',
    `cuts` SMALLINT COMMENT '[1] Cuts (sweeps) in the volume.',
    `rays` INT COMMENT '[1] Rays in all cuts.',
    `chosen_cuts` STRING COMMENT 'Indices of the cuts that were gridded, by ascending elevation, e.g. `0 2 4`.',
    `qc_method` STRING COMMENT '`dualpol`, `reflectivity_only` (the volume has no dual polarisation) or `mixed`.',
    `gates_valid` BIGINT COMMENT '[1] Gates of the chosen cuts with a reflectivity.',
    `gates_reflectivity` BIGINT COMMENT '[1] Of these, gates that reach the least reflectivity.',
    `gates_after_zdr` BIGINT COMMENT '[1] Of these, gates that also pass the test of differential reflectivity, where it applies.',
    `gates_after_rho` BIGINT COMMENT '[1] Of these, gates that also pass the test of cross-correlation ratio, where it applies.',
    `gates_kept` BIGINT COMMENT '[1] Gates that were gridded.',
    `cells` BIGINT COMMENT '[1] Rows of the volume in `radar_grid`.',
    `columns` BIGINT COMMENT '[1] Rows of the volume in `radar_columns`.',
    `max_reflectivity` FLOAT COMMENT '[dBZ] Largest reflectivity of the volume\'s grid, rounded to 0.1; NULL without cells.',
    `decoder` STRING COMMENT 'Library and version that read the volume.',
    `profile` STRING COMMENT 'Radar profile of the run.',
    `profile_hash` STRING COMMENT 'Hash of everything in the profile.',
    `software` STRING COMMENT 'Name and version of the code.',
    `run_id` STRING COMMENT 'Run that wrote the row.'
)
COMMENT 'One archive object of the run: what it was, what became of it, and why. Every object of the source is exactly one row.'
PARTITIONED BY (
    `station` STRING COMMENT 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.',
    `date` DATE COMMENT 'UTC day on which the volume started, by its key; 1970-01-01 for an object that names none.'
)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/radar_volumes/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.station.type' = 'injected',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://YOUR-BUCKET/lake/radar_volumes/station=${station}/date=${date}/'
);
