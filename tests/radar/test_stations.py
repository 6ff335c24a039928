"""The station table and files in its shape."""

from __future__ import annotations

import math
import pickle
import runpy
from pathlib import Path

import pytest

from stormlake.radar.stations import Station, builtin_stations, distance, read_station_file
from tests.data import wheel_file

# NOAA's list of 2014 has no elevation for them.
WITHOUT_ELEVATION = {"KDGX", "KFSX", "KLWX", "KRTX", "KSRX", "KVWX"}


def test_the_table_is_that_of_pyart_with_feet_turned_into_metres() -> None:
    # Executed from its file: Py-ART changes the table it has imported whenever it is asked.
    path = wheel_file("nexrad_common.py").parents[2] / "io" / "nexrad_common.py"
    table = runpy.run_path(str(path))["NEXRAD_LOCATIONS"]

    stations = builtin_stations()
    assert len(stations) == 207
    assert stations.keys() == table.keys()
    for name, location in table.items():
        station = stations[name]
        assert (station.latitude, station.longitude) == (location["lat"], location["lon"]), name
        if name not in WITHOUT_ELEVATION:
            assert station.altitude == round(location["elev"] * 0.3048, 4), name


def test_a_station_without_an_elevation_has_none_instead_of_minus_30_km() -> None:
    stations = builtin_stations()
    assert {n for n, s in stations.items() if math.isnan(s.altitude)} == WITHOUT_ELEVATION
    assert min(s.altitude for s in stations.values()) >= 0


def test_the_table_stands_on_its_own_numbers() -> None:
    # KLOT 663 ft, KABR 1302 ft, TORD 744 ft.
    assert builtin_stations()["KLOT"] == Station(41.60444, -88.08472, 202.0824)
    assert builtin_stations()["KABR"].altitude == 396.8496
    assert builtin_stations()["TORD"].altitude == 226.7712


def test_the_table_can_be_sent_to_another_process() -> None:
    copy = pickle.loads(pickle.dumps(builtin_stations()))
    assert copy.keys() == builtin_stations().keys()
    assert copy["KLOT"] == builtin_stations()["KLOT"]


def test_distances_are_those_of_a_sphere() -> None:
    pole, equator = Station(90, 0, 0), Station(0, 17, 0)
    assert distance(pole, equator) == pytest.approx(math.pi / 2 * 6_371_000)
    assert distance(equator, Station(0, -163, 0)) == pytest.approx(math.pi * 6_371_000)
    assert distance(equator, equator) == 0


def write(folder: Path, text: str) -> Path:
    path = folder / "stations.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_station_file_gives_its_own_stations(tmp_path: Path) -> None:
    path = write(tmp_path, "station,latitude,longitude,altitude\nXRAD,1.5,-2.5,100\n\nXTWO,0,0,\n")
    stations = read_station_file(path)
    assert stations.keys() == {"XRAD", "XTWO"}
    assert stations["XRAD"] == Station(1.5, -2.5, 100.0)
    assert math.isnan(stations["XTWO"].altitude)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first line is ''"),
        ("name,lat,lon\n", "expected 'station,latitude,longitude,altitude'"),
        ("station,latitude,longitude,altitude\nXRAD,1,2\n", "line 2: 'XRAD,1,2'"),
        ("station,latitude,longitude,altitude\nXRAD,north,2,3\n", "line 2: 'XRAD,north,2,3'"),
        ("station,latitude,longitude,altitude\nXRAD,41797,2,3\n", "line 2: 41797.0, 2.0"),
        ("station,latitude,longitude,altitude\nXRAD,nan,2,3\n", "line 2: nan, 2.0"),
        ("station,latitude,longitude,altitude\nxrad,1,2,3\n", "line 2: station 'xrad'"),
    ],
)
def test_a_bad_station_file_is_refused_by_name_and_line(
    text: str, message: str, tmp_path: Path
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=r"stations\.csv") as refused:
        read_station_file(path)
    assert message in str(refused.value)
