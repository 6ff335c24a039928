"""Bytes of an archive object to a volume, or to the one reason why not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from stormlake.radar import containers, messages, pyart_reader, recast_reader
from stormlake.radar.messages import Reading
from stormlake.radar.outcomes import Reason, VolumeRejected
from stormlake.radar.stations import Station, builtin_stations, distance
from stormlake.radar.volume import Volume

FARTHEST_FROM_TABLE: Final = 50_000.0
"""A radar may move a few km (TORD: 3.4); one that stands farther off is another one."""

_NAME = re.compile(r"(?:^|/)(?P<station>[A-Z0-9]{4})\d{8}_\d{6}[^/]*$")
_FOLDERS = re.compile(r"(?:^|/)\d{4}/\d{2}/\d{2}/(?P<station>[A-Z0-9]{4})/")


def decode(data: bytes, key: str, stations: Mapping[str, Station] | None = None) -> Volume:
    """Decode one archive object.

    Parameters
    ----------
    data : bytes
        The object as it lies in the archive.
    key : str
        Its key or path, which names the station: ``…/KLBB20160601_150025_V06``; else the folders
        ``YYYY/MM/DD/SSSS/`` do, else the volume header.
    stations : mapping of str to Station, optional
        Where stations are; the built-in table by default.

    Returns
    -------
    Volume
        With `problems` where it is not whole.

    Raises
    ------
    VolumeRejected
        With the first reason that applies, whatever the bytes are.
    """
    try:
        return _decode(data, key, builtin_stations() if stations is None else stations)
    except VolumeRejected:
        raise
    except Exception as error:
        raise VolumeRejected(Reason.DECODE_ERROR, _text(error)) from error


def _decode(data: bytes, key: str, stations: Mapping[str, Station]) -> Volume:
    data = containers.unwrap(data)
    header = containers.read_header(data)
    second = containers.find_second_header(data)
    if second is not None:
        raise VolumeRejected(
            Reason.CONCATENATED_VOLUMES, f"another volume header at byte {second:,}"
        )
    reading = _read(data)
    why = messages.several_volumes(reading)
    if why is not None:
        raise VolumeRejected(Reason.CONCATENATED_VOLUMES, why)
    station = _station_name(key, header)
    place = _place(reading, station, header, key, stations)
    if reading.torn_elevations:
        torn = reading.torn_elevations
        raise VolumeRejected(
            Reason.MISSING_CUT,
            f"{reading.decoder}: fewer than two rays of {len(torn)} elevation numbers, "
            f"the first is {torn[0]}",
        )
    complete = messages.ends(reading)
    problems = []
    if not complete:
        problems.append(Reason.NO_END_OF_VOLUME)
    if messages.missing_cut(reading) is not None:
        problems.append(Reason.MISSING_CUT)
    return Volume(
        station=station,
        volume_time=reading.start,
        latitude=place.latitude,
        longitude=place.longitude,
        altitude=place.altitude,
        vcp=reading.vcp,
        cuts=reading.cuts,
        decoder=reading.decoder,
        complete=complete,
        problems=tuple(problems),
    )


def _read(data: bytes) -> Reading:
    """Read with recast-radar, and with Py-ART what recast refuses."""
    try:
        reading = recast_reader.read(data)
    except BaseException as error:
        if not (isinstance(error, Exception) or _is_panic(error)):
            raise
        refusal = error
    else:
        if reading is None:
            raise VolumeRejected(Reason.NO_RADIALS, "a volume header and no ray")
        return reading
    try:
        return pyart_reader.read(data)
    except Exception as error:
        raise VolumeRejected(
            Reason.NO_RADIALS if "no complete volume" in str(refusal) else Reason.DECODE_ERROR,
            f"recast: {_text(refusal)}; pyart: {_text(error)}",
        ) from refusal


def _is_panic(error: BaseException) -> bool:
    """Tell a Rust panic, which pyo3 derives from BaseException, from an interrupt or an exit."""
    return type(error).__module__ == "pyo3_runtime"


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _station_name(key: str, header: containers.VolumeHeader) -> str:
    named = _NAME.search(key) or _FOLDERS.search(key)
    station = named["station"] if named else header.station
    if station is None:
        raise VolumeRejected(
            Reason.UNKNOWN_STATION, f"neither the key {key!r} nor the volume header names one"
        )
    return station


def _place(
    reading: Reading,
    station: str,
    header: containers.VolumeHeader,
    key: str,
    stations: Mapping[str, Station],
) -> Station:
    """Find where the antenna is, whichever reader ran: the file's word, checked, or the table's."""
    known = stations.get(station)
    if math.isnan(reading.latitude) or math.isnan(reading.longitude):
        if known is None:
            raise VolumeRejected(
                Reason.UNKNOWN_STATION,
                f"{station!r} (from {key!r}) is not in the station list and its file has no "
                "location; pass --station-file",
            )
        place = known
    else:
        place = _own_place(reading, header, known)
        off = math.inf if known is None else distance(place, known)
        if known is not None and off > FARTHEST_FROM_TABLE:
            raise VolumeRejected(
                Reason.BAD_LOCATION,
                f"the file says {place.latitude:.4f}, {place.longitude:.4f}, {off / 1000:.0f} km "
                f"from where {station} is ({known.latitude:.4f}, {known.longitude:.4f})",
            )
    return place


def _own_place(reading: Reading, header: containers.VolumeHeader, known: Station | None) -> Station:
    latitude, longitude, altitude = reading.latitude, reading.longitude, reading.altitude
    if abs(latitude) > 90:
        # TDWR files of about 2020 give thousandths of a degree.
        latitude, longitude = latitude / 1000, longitude / 1000
    if not (abs(latitude) <= 90 and abs(longitude) <= 180) or latitude == 0:
        raise VolumeRejected(
            Reason.BAD_LOCATION,
            f"the file says latitude {reading.latitude}, longitude {reading.longitude}",
        )
    if header.version == containers.TDWR_VERSION:
        # The file gives one number as the site's height and again as the feedhorn's.
        in_table = known is not None and not math.isnan(known.altitude)
        altitude = known.altitude if known is not None and in_table else altitude / 2
    return Station(latitude, longitude, altitude)
