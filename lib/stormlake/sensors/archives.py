"""Archives of JSON Lines as tables of other engines: what a record's members are called there.

These tables read the lines as they lie. They are for a look at the archive: only our reader takes
every form, tells what it could not use, and counts a record that was delivered twice once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stormlake.errors import RefusedInput
from stormlake.lake.ddl import (
    Engine,
    checked_location,
    column_lines,
    head,
    properties,
    quote_name,
    text_literal,
)
from stormlake.lake.sensor_tables import NAME_BYTES
from stormlake.lake.types import Column

SOURCE: Final = "s3://YOUR-BUCKET/archive"
"""What stands in the place of an archive's address until somebody gives one."""


@dataclass(frozen=True)
class Archive:
    """An archive of JSON Lines.

    Parameters
    ----------
    name : str
        Of the table.
    description : str
        What one row is.
    columns : tuple of Column
        The records' members by their own names; any may be missing.
    shows_corrupt : bool
        Whether Spark may show a line that is no JSON; never where it tells of a person.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    shows_corrupt: bool = True


def _text(name: str, description: str) -> Column:
    return Column(name, "string", "", description, bytes=NAME_BYTES)


UNICORN_ARCHIVE: Final = Archive(
    "unicorn_archive",
    "One line of the Wild Rydes archive: a reading.",
    (
        _text("Name", "Name of the unicorn."),
        _text("StatusTime", "Time by the producer's clock, e.g. `2019-06-25 09:43:42.426`."),
        Column("Latitude", "double", "degrees_north", "Latitude."),
        Column("Longitude", "double", "degrees_east", "Longitude."),
        Column("Distance", "double", "m", "Distance since the previous reading."),
        Column("HealthPoints", "int", "1", "Health points."),
        Column("MagicPoints", "int", "1", "Magic points."),
    ),
)
WIND_ARCHIVE: Final = Archive(
    "wind_archive",
    "One line of the wind farms' archive: a reading. Producers differ in the names of time and "
    "speed; of several the first counts.",
    (
        _text("location", "Wind farm."),
        Column("speed", "double", "mile h-1", "Wind speed."),
        Column("wind_speed", "double", "mile h-1", "The same by another name."),
        _text("timestamp", "Time: seconds or milliseconds since 1970, or ISO 8601."),
        _text("event_time", "The same by another name."),
        _text("time", "The same by another name."),
        Column("score", "double", "1", "Anomaly score, where the producer made one."),
    ),
)
VITAL_ARCHIVE: Final = Archive(
    "vital_archive",
    "One line of the devices' archive: a reading. Names and dates of birth are in the files, and "
    "left out here; whoever may read the files can read them.",
    (
        _text("timestamp", "Time, e.g. `2026-05-01T12:00:00`."),
        _text("device_id", "Device, e.g. `device0000`."),
        _text("patient_id", "Pseudonym of the patient."),
        Column("temp", "double", "degF", "Body temperature."),
        Column("pulse", "double", "min-1", "Pulse."),
        Column("oxygen_percent", "double", "%", "Oxygen saturation."),
        Column("systolic", "double", "mm[Hg]", "Systolic blood pressure."),
        Column("diastolic", "double", "mm[Hg]", "Diastolic blood pressure."),
    ),
    shows_corrupt=False,
)
ARCHIVES: Final[Mapping[str, Archive]] = {
    archive.name: archive for archive in (UNICORN_ARCHIVE, WIND_ARCHIVE, VITAL_ARCHIVE)
}
"""Every archive that other engines can read; the event archive's datum is a key, not a value."""

_DATEHOUR: Final = _text("datehour", "UTC hour of arrival, e.g. `2026/05/01/21`.")
_CORRUPT: Final = _text("_corrupt_record", "A line that is no JSON, else NULL.")


def archive_ddl(archive: Archive, engine: Engine, source: str | None = None) -> str:
    """Give the statement that makes an archive known to an engine, with a head that explains it.

    Parameters
    ----------
    archive : Archive
    engine : {"spark", "athena", "hive"}
    source : str, optional
        Folder that holds the years, `s3://bucket/prefix`.

    Raises
    ------
    RefusedInput
        Redshift reads no archive of JSON, and Athena none outside of S3.
    """
    if engine == "redshift":
        raise RefusedInput(
            f"{archive.name}: Redshift has no table over an archive; aggregate it, and load that"
        )
    location = f"{checked_location(source or f'{SOURCE}/{archive.name}', engine)}/"
    lines = "JSON Lines alone, one object a line: other forms need `stormlake aggregate`."
    if engine == "spark":
        return _spark(archive, location, lines)
    notes = [lines, "A query fails on a line that is no JSON.", "Filter by datehour."]
    if engine == "hive":
        notes.append(
            "Hive takes no notice of the projection: ALTER TABLE … ADD PARTITION (datehour = "
            "'2026/05/01/21') LOCATION '…/2026/05/01/21/' for each hour."
        )
    pairs = {
        "projection.enabled": "true",
        "projection.datehour.type": "date",
        "projection.datehour.format": "yyyy/MM/dd/HH",
        "projection.datehour.range": "2015/01/01/00,NOW",
        "projection.datehour.interval": "1",
        "projection.datehour.interval.unit": "HOURS",
        "storage.location.template": f"{location}${{datehour}}/",
    }
    return head(archive.description, [f"{engine.capitalize()}."], notes) + (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {quote_name(archive.name)} (\n"
        f"{column_lines(archive.columns, lower=True)}\n"
        ")\n"
        f"COMMENT {text_literal(archive.description)}\n"
        f"PARTITIONED BY (\n{column_lines((_DATEHOUR,))}\n)\n"
        "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n"
        f"LOCATION {text_literal(location)}\n"
        f"TBLPROPERTIES (\n{properties(pairs)}\n);\n"
    )


def _spark(archive: Archive, location: str, lines: str) -> str:
    notes = [
        lines,
        "Of several objects on one line Spark reads the first and drops the rest without a word.",
    ]
    # Folders are YYYY/MM/DD/HH, which Spark does not take for partitions.
    options = {"mode": "PERMISSIVE", "recursiveFileLookup": "true"}
    columns = archive.columns
    if archive.shows_corrupt:
        options["columnNameOfCorruptRecord"] = _CORRUPT.name
        columns += (_CORRUPT,)
    else:
        notes.append(
            "A line that is no JSON is a row of NULLs: shown as it is, it would tell a name."
        )
    return head(archive.description, ["Spark 3.5 and 4.0."], notes) + (
        f"CREATE TABLE IF NOT EXISTS {quote_name(archive.name)} (\n"
        f"{column_lines(columns)}\n"
        ")\n"
        "USING json\n"
        f"OPTIONS (\n{properties(options)}\n)\n"
        f"COMMENT {text_literal(archive.description)}\n"
        f"LOCATION {text_literal(location)};\n"
    )
