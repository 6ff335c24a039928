"""What is written is what Py-ART, recast-radar and our own reader read."""

from __future__ import annotations

import bz2
import io
import struct
import warnings
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import recast_radar

from stormlake.radar.decode import decode
from stormlake.radar.outcomes import Reason
from stormlake.radar.stations import builtin_stations
from stormlake.radar.volume import Cut, Moment, Volume
from stormlake.simulate.level2 import julian, level2_bytes
from stormlake.simulate.pattern import planned_cuts
from stormlake.simulate.radar import simulated_volume
from stormlake.simulate.storm import Storm
from tests.simulate.conftest import START, Simulated

KEY = "2026/05/01/KTLX/KTLX20260501_235230_V06"
ELEVATIONS = [0.48, 0.48, 0.88, 0.88, 1.45, 2.42, 0.48, 0.48, 4.0, 6.4, 10.0, 14.0, 19.5]
SURVEILLANCE, DOPPLER, BATCH = [0, 2, 6], [1, 3, 7], [4, 5, 8, 9, 10, 11, 12]


@pytest.fixture(scope="module")
def volume() -> Volume:
    site = builtin_stations()["KTLX"]
    return simulated_volume(Storm(7, "KTLX"), site, START, 0, planned_cuts())


@pytest.fixture(scope="module")
def data(volume: Volume) -> bytes:
    return level2_bytes(volume)


def test_our_reader_gives_back_every_code_angle_and_time_that_was_written(
    volume: Volume, data: bytes
) -> None:
    read = decode(data, KEY)
    assert (read.station, read.vcp, read.complete, read.problems) == ("KTLX", 212, True, ())
    assert read.volume_time == START
    assert read.latitude == pytest.approx(volume.latitude, abs=1e-5)
    assert read.longitude == pytest.approx(volume.longitude, abs=1e-5)
    assert read.altitude == volume.altitude
    assert len(read.cuts) == len(volume.cuts) == 13
    for got, put in zip(read.cuts, volume.cuts, strict=True):
        assert set(got.moments) == set(put.moments)
        np.testing.assert_array_equal(got.azimuth, put.azimuth)
        np.testing.assert_array_equal(got.elevation, put.elevation)
        np.testing.assert_allclose(got.time, put.time, atol=1e-3)
        np.testing.assert_allclose(got.nyquist, put.nyquist, atol=0.005)
        assert got.fixed_angle == pytest.approx(put.fixed_angle, abs=0.005)
        for name, moment in put.moments.items():
            other = got.moments[name]
            assert (other.first_gate, other.gate_spacing) == (2125.0, 250.0)
            assert other.codes.dtype == moment.codes.dtype
            np.testing.assert_array_equal(other.codes, moment.codes)
            np.testing.assert_allclose(other.values, moment.values, rtol=1e-6, atol=1e-5)


def test_recast_reads_the_cuts_of_the_pattern(data: bytes) -> None:
    read = recast_radar.read(data)
    assert (read.nsweeps, read.vcp) == (13, 212)
    assert [s["fixed_angle"] for s in read.sweeps] == pytest.approx(ELEVATIONS, abs=0.03)
    fields = [set(s["fields"]) for s in read.sweeps]
    for index in SURVEILLANCE:
        assert fields[index] == {"DBZH", "ZDR", "PHIDP", "RHOHV"}
        assert (read.sweeps[index]["nrays"], read.sweeps[index]["ngates"]) == (720, 1832)
    for index in DOPPLER:
        assert fields[index] == {"DBZH", "VRADH", "WRADH"}
        assert (read.sweeps[index]["nrays"], read.sweeps[index]["ngates"]) == (720, 1192)
    for index in BATCH:
        assert len(fields[index]) == 6
        assert read.sweeps[index]["nrays"] == 360


def test_pyart_reads_the_same_cuts_and_values(volume: Volume, data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyart

        radar = pyart.io.read_nexrad_archive(io.BytesIO(data))
        native = pyart.io.nexrad_level2.NEXRADLevel2File(io.BytesIO(data))
    assert radar.metadata["vcp_pattern"] == 212
    assert radar.metadata["instrument_name"] == "KTLX"
    assert radar.fixed_angle["data"] == pytest.approx(ELEVATIONS, abs=0.03)
    assert radar.nrays == 6 * 720 + 7 * 360
    assert radar.latitude["data"][0] == pytest.approx(volume.latitude, abs=1e-5)
    assert radar.altitude["data"][0] == volume.altitude
    scans = native.scan_info()
    assert scans[0]["moments"] == ["REF", "ZDR", "PHI", "RHO"]
    assert scans[0]["ngates"] == [1832, 1192, 1192, 1192]
    assert scans[1]["moments"] == ["REF", "VEL", "SW"]
    assert set(native.vcp["cut_parameters"][6]) and native.vcp["msg5_header"]["num_cuts"] == 13
    names = {
        "REF": "reflectivity",
        "VEL": "velocity",
        "SW": "spectrum_width",
        "ZDR": "differential_reflectivity",
        "PHI": "differential_phase",
        "RHO": "cross_correlation_ratio",
    }
    for index in (0, 1, 4, 12):
        rays = radar.get_slice(index)
        for name, moment in volume.cuts[index].moments.items():
            field = radar.fields[names[name]]["data"][rays, : moment.codes.shape[1]]
            np.testing.assert_array_equal(np.ma.getmaskarray(field), moment.codes < 2)
            np.testing.assert_allclose(
                field.filled(np.nan), moment.values, rtol=1e-6, atol=1e-5, equal_nan=True
            )


def test_the_bytes_follow_the_interface_documents(data: bytes) -> None:
    assert data[:12] == b"AR2V0006.001"
    day, millisecond = struct.unpack(">II", data[12:20])
    assert (day, millisecond) == julian(START) == (20575, 85_950_000)
    assert data[20:24] == b"KTLX"
    sizes, kinds, status, largest = [], Counter[int](), [], 0
    position = 24
    while position < len(data):
        (size,) = struct.unpack(">i", data[position : position + 4])
        record = bz2.decompress(data[position + 4 : position + 4 + abs(size)])
        sizes.append(size)
        position += 4 + abs(size)
        start = rays = 0
        while start < len(record):
            half_words, _, kind = struct.unpack(">HBB", record[start + 12 : start + 16])
            kinds[kind] += 1
            if kind == 31:
                rays += 1
                status.append(record[start + 28 + 21])
                start += 12 + 2 * half_words
            else:
                start += 2432
        largest = max(largest, rays)
    assert position == len(data)
    assert [size < 0 for size in sizes] == [False] * (len(sizes) - 1) + [True]
    assert largest == 120
    # 134 segments of metadata, one of them message 5; then the rays.
    assert kinds == {0: 133, 5: 1, 31: 6 * 720 + 7 * 360}
    # Start of volume, of a cut, of the last cut; end of a cut, of the volume (table XVII-A).
    assert (status[0], status[-1]) == (3, 4)
    assert Counter(status) == {3: 1, 0: 11, 5: 1, 2: 12, 4: 1, 1: len(status) - 26}


def test_message_5_names_split_cuts_and_the_sails_cut(simulated: Simulated) -> None:
    data = simulated.paths[0].read_bytes()
    (size,) = struct.unpack(">i", data[24:28])
    metadata = bz2.decompress(data[28 : 28 + size])
    start = next(s for s in range(0, len(metadata), 2432) if metadata[s + 15] == 5) + 28
    size, _, vcp, cuts = struct.unpack(">HHHH", metadata[start : start + 8])
    assert (vcp, cuts) == (212, 13)
    assert size * 2 == 22 + 46 * 13
    (supplemental,) = struct.unpack(">H", metadata[start + 18 : start + 20])
    assert supplemental == 3  # a SAILS pattern with one such cut
    entries = [metadata[start + 22 + 46 * i : start + 68 + 46 * i] for i in range(13)]
    angles = [struct.unpack(">H", entry[:2])[0] * 360 / 65536 for entry in entries]
    assert angles == pytest.approx(ELEVATIONS, abs=0.03)
    assert [entry[3] for entry in entries] == [1, 2, 1, 2, 4, 4, 1, 2, 4, 4, 4, 4, 4]
    sails = [struct.unpack(">H", entry[28:30])[0] for entry in entries]
    assert [index for index, bits in enumerate(sails) if bits] == [6, 7]


def test_a_volume_without_its_end_is_partial() -> None:
    moment = Moment(2125.0, 250.0, np.full((360, 8), 100, np.uint8), 0.5, -33.0)
    cut = Cut(
        index=0,
        fixed_angle=0.483,
        azimuth=np.arange(360, dtype=np.float32),
        elevation=np.full(360, 0.483, np.float32),
        time=np.arange(360) * 0.05,
        nyquist=np.full(360, np.nan, np.float32),
        moments={"REF": moment},
    )
    site = builtin_stations()["KTLX"]
    torn = Volume(
        "KTLX", datetime(2026, 5, 1, tzinfo=UTC), site.latitude, site.longitude,
        float(round(site.altitude)), 212, (cut,), "test", False, (),
    )  # fmt: skip
    read = decode(level2_bytes(torn), "KTLX20260501_000000_V06")
    assert read.problems == (Reason.NO_END_OF_VOLUME,)
    np.testing.assert_array_equal(read.cuts[0].moments["REF"].values, np.float32(17.0))
    assert decode(level2_bytes(replace(torn, complete=True)), "KTLX20260501_000000_V06").complete
