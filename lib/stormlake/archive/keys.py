"""What an archive key says: station and start time, or why the object is not a volume.

The layout is that of the public NEXRAD Level II archive,
`YYYY/MM/DD/SSSS/SSSSYYYYMMDD_HHMMSS<suffix>`, the time being the start of the volume in UTC.

| suffix | about when | inside |
| --- | --- | --- |
| `.gz` | 1991 to 2007 | gzip of message 1, raw or as bz2 records |
| `_V03.gz` `_V04.gz` `_V06.gz` | 2008 to mid 2016 | gzip of uncompressed message 31 |
| `_V06`; `_V08` | from 2016-06-01; TDWR | bz2 LDM records |
| `.Z` | a few in 1997 | Unix compress, which no reader takes |

Nothing here opens an object. What a name does not say is left `None`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stormlake.radar.outcomes import Reason

# re.ASCII and fullmatch: `\d` would take other scripts' digits and `$` a trailing line feed.
_STATION: Final = re.compile(r"[A-Z0-9]{4}")
_NAME: Final = re.compile(
    r"(?P<station>[A-Z0-9]{4})(?P<ymd>\d{8})_(?P<hms>\d{6})"
    r"(?P<suffix>(?:_V\d{2})?(?:\.gz|\.bz2|\.Z)?)(?P<metadata>_MDM)?",
    re.ASCII,
)
_FOLDERS: Final = re.compile(r"(\d{4})/(\d{2})/(\d{2})/([A-Z0-9]{4})", re.ASCII)
_CHUNK: Final = re.compile(r"(\d{8})-(\d{6})-(\d{3})-([SIE])", re.ASCII)


@dataclass(frozen=True, slots=True)
class ArchiveKey:
    """The name of a volume.

    Parameters
    ----------
    station : str
        Four capital letters or digits.
    key_time : datetime
        Start of the volume, UTC (aware), whole seconds.
    suffix : str
        Version and wrapping: `""`, `.gz`, `_V06`, `_V06.gz`, ...
    """

    station: str
    key_time: dt.datetime
    suffix: str = ""

    @property
    def name(self) -> str:
        """The last part of the key, e.g. `KLBB20160601_150025_V06`."""
        return f"{self.station}{self.key_time.year:04d}{self.key_time:%m%d_%H%M%S}{self.suffix}"

    @property
    def prefix(self) -> str:
        """The folders, e.g. `2016/06/01/KLBB/`."""
        return station_day_prefix(self.station, self.key_time.date())

    @property
    def key(self) -> str:
        """The whole key, e.g. `2016/06/01/KLBB/KLBB20160601_150025_V06`."""
        return self.prefix + self.name


@dataclass(frozen=True, slots=True)
class Skip:
    """A name that is not a volume's, and what it says all the same.

    Parameters
    ----------
    reason : Reason
        `metadata_only`, `nxl2_tar`, `folder` or `unknown_key`.
    station : str or None
    date : date or None
        Known for metadata objects, which are named after their volume.
    """

    reason: Reason
    station: str | None = None
    date: dt.date | None = None


@dataclass(frozen=True, slots=True)
class ChunkName:
    """The name of a real-time chunk, `YYYYMMDD-HHMMSS-NNN-{S|I|E}`.

    Parameters
    ----------
    key_time : datetime
        Start of the volume, UTC (aware).
    number : int
        Position in the volume, from 1.
    kind : str
        `S` start, `I` intermediate, `E` end.
    """

    key_time: dt.datetime
    number: int
    kind: str


def is_station(text: str) -> bool:
    """Whether the text can be a station's identifier (not whether there is such a station)."""
    return _STATION.fullmatch(text) is not None


def station_day_prefix(station: str, day: dt.date) -> str:
    """Return the prefix that holds one station's volumes of one UTC day; it ends in `/`."""
    return f"{day.year:04d}/{day.month:02d}/{day.day:02d}/{station}/"


def parse_name(name: str) -> ArchiveKey | Skip:
    """Read the last part of a key, as for a file in a local folder.

    Returns
    -------
    ArchiveKey or Skip
        `Skip` with `unknown_key` where the name says nothing: a local file is then opened.
    """
    if name.startswith("NWS_NEXRAD_NXL2") or name.endswith(".tar"):
        return Skip(Reason.NXL2_TAR)
    match = _NAME.fullmatch(name)
    time = _utc(match["ymd"], match["hms"]) if match else None
    if name.endswith("_MDM"):
        if match and time:
            return Skip(Reason.METADATA_ONLY, match["station"], time.date())
        return Skip(Reason.METADATA_ONLY)
    if match and time:
        return ArchiveKey(match["station"], time, match["suffix"])
    return Skip(Reason.UNKNOWN_KEY)


def parse_key(key: str, size: int = 0) -> ArchiveKey | Skip:
    """Read a whole key of the archive layout; folders and name have to agree.

    Parameters
    ----------
    key : str
        As the bucket lists it, without a source prefix.
    size : int
        Bytes; only an empty entry that ends in `/` is a folder.
    """
    if key.endswith("/"):
        return Skip(Reason.UNKNOWN_KEY if size else Reason.FOLDER)
    folder, slash, name = key.rpartition("/")
    parsed = parse_name(name)
    if isinstance(parsed, ArchiveKey) and folder + slash != parsed.prefix:
        return Skip(Reason.UNKNOWN_KEY)
    return parsed


def parse_chunk_name(name: str) -> ChunkName | None:
    """Read the name of a real-time chunk; None where it is not one."""
    match = _CHUNK.fullmatch(name)
    time = _utc(match[1], match[2]) if match else None
    return ChunkName(time, int(match[3]), match[4]) if match and time else None


def station_day_of_folders(parts: Sequence[str]) -> tuple[str, dt.date] | None:
    """Station and date that folders YYYY/MM/DD/SSSS say; the innermost four of that form count."""
    for last in range(len(parts), 3, -1):
        match = _FOLDERS.fullmatch("/".join(parts[last - 4 : last]))
        if match:
            time = _utc(match[1] + match[2] + match[3], "000000")
            if time:
                return match[4], time.date()
    return None


def _utc(ymd: str, hms: str) -> dt.datetime | None:
    """Return the time of eight and six digits; None where no clock shows it (June 31, hour 24)."""
    try:
        return dt.datetime(
            int(ymd[:4]),
            int(ymd[4:6]),
            int(ymd[6:]),
            int(hms[:2]),
            int(hms[2:4]),
            int(hms[4:]),
            tzinfo=dt.UTC,
        )
    except ValueError:
        return None
