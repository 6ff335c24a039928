"""The two readers against Py-ART's own numbers, bit for bit, and the shape of recast's tree."""

from __future__ import annotations

import copy
import subprocess
import sys
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stormlake.radar import containers, pyart_reader, recast_reader
from stormlake.radar.messages import Reading
from tests.data import shared, wheel_file

# Message 1; message 31; two gate grids in one file; TDWR; and what the wheel carries.
FILES = [
    ("volumes", "KABR20050101_000745.gz"),
    ("volumes", "KLIX20050828_180149.gz"),
    ("volumes", "KLBB20160601_150025_V06"),
    ("mosaic_NE_20100911", "KENX20100911_011108_V03.gz"),
    ("volumes", "TORD20260811_225858_V08"),
    ("damaged", "KLVX20050106_163401.gz"),
    ("wheel", "example_nexrad_archive_msg1.bz2"),
    ("wheel", "example_nexrad_archive_msg31.bz2"),
    ("wheel", "example_nexrad_archive_msg31_compressed.ar2v"),
]


def path_of(folder: str, name: str) -> Path:
    return wheel_file(name) if folder == "wheel" else shared("nexrad", folder, name)


@pytest.fixture(scope="module", params=FILES, ids=[name for _, name in FILES])
def volume(request: pytest.FixtureRequest) -> bytes:
    return containers.unwrap(path_of(*request.param).read_bytes())


@pytest.fixture(scope="module")
def recast(volume: bytes) -> Reading:
    reading = recast_reader.read(volume)
    assert reading is not None
    return reading


@pytest.fixture(scope="module")
def level2_file(volume: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyart.io.nexrad_level2 import NEXRADLevel2File

        return NEXRADLevel2File(BytesIO(volume))


def test_every_gate_is_that_of_pyart_bit_for_bit(recast: Reading, level2_file: Any) -> None:
    info = level2_file.scan_info()
    assert len(recast.cuts) == len(info)
    for cut, scan in zip(recast.cuts, info, strict=True):
        assert cut.rays == scan["nrays"]
        assert set(cut.moments) == set(scan["moments"])
        for name, moment in cut.moments.items():
            where = f"cut {cut.index} {name}"
            gates = scan["ngates"][scan["moments"].index(name)]
            codes = level2_file.get_data(name, gates, scans=[cut.index], raw_data=True)
            assert np.array_equal(moment.codes, codes), where
            expected = level2_file.get_data(name, gates, scans=[cut.index])
            assert moment.values.dtype == expected.dtype == np.float32
            assert np.array_equal(moment.state == 0, ~np.ma.getmaskarray(expected)), where
            assert np.array_equal(moment.values, expected.filled(np.nan), equal_nan=True), where


def test_every_ray_and_range_is_that_of_pyart_bit_for_bit(
    recast: Reading, level2_file: Any
) -> None:
    for cut in recast.cuts:
        scan = [cut.index]
        azimuth = level2_file.get_azimuth_angles(scan).astype(np.float32)
        elevation = level2_file.get_elevation_angles(scan).astype(np.float32)
        assert np.array_equal(cut.azimuth, azimuth)
        assert np.array_equal(cut.elevation, elevation)
        assert cut.azimuth.dtype == cut.elevation.dtype == np.float32
        assert cut.time.dtype == np.float64
        for name, moment in cut.moments.items():
            gates = moment.first_gate + np.arange(moment.codes.shape[1]) * moment.gate_spacing
            assert np.array_equal(gates, level2_file.get_range(cut.index, name)), name


def test_ray_times_are_those_of_pyart(recast: Reading, level2_file: Any) -> None:
    epoch, seconds = level2_file.get_times()
    ours = np.concatenate([cut.time for cut in recast.cuts])
    offset = (recast.start.replace(tzinfo=None) - epoch).total_seconds()
    assert ours[0] == 0
    assert np.allclose(ours + offset, seconds, rtol=0, atol=1e-6)


def test_the_fallback_gives_what_recast_gives(volume: bytes, recast: Reading) -> None:
    fallback = pyart_reader.read(volume)
    assert fallback.decoder == "pyart 2.3.0"
    assert fallback.torn_elevations == ()
    assert (fallback.start, fallback.vcp) == (recast.start, recast.vcp)
    for name in ("latitude", "longitude", "altitude"):
        ours, theirs = getattr(fallback, name), getattr(recast, name)
        assert np.array_equal(ours, theirs, equal_nan=True), name
    for a, b in zip(fallback.cuts, recast.cuts, strict=True):
        assert (a.index, a.fixed_angle) == (b.index, b.fixed_angle)
        for name in ("azimuth", "elevation", "time", "nyquist"):
            assert np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True), name
        assert a.moments.keys() == b.moments.keys()
        for name, moment in a.moments.items():
            other = b.moments[name]
            assert (moment.first_gate, moment.gate_spacing) == (
                other.first_gate,
                other.gate_spacing,
            )
            assert moment.codes.dtype == other.codes.dtype
            assert np.array_equal(moment.codes, other.codes)
            assert np.array_equal(moment.table, other.table, equal_nan=True)
    for c, d in zip(fallback.headers, recast.headers, strict=True):
        assert np.array_equal(c.status, d.status)
        assert np.array_equal(c.sequence, d.sequence)


def test_native_gates_are_those_that_pyart_gives_for_one_cut_and_one_moment() -> None:
    from pyart.io import nexrad_common, read_nexrad_archive

    path = shared("nexrad", "volumes", "KABR20050101_000745.gz")
    table = copy.deepcopy(nexrad_common.NEXRAD_LOCATIONS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            radar = read_nexrad_archive(
                str(path), station="KABR", scans=[4], include_fields=["reflectivity"]
            )
    finally:
        nexrad_common.NEXRAD_LOCATIONS.update(table)
    reading = recast_reader.read(containers.unwrap(path.read_bytes()))
    assert reading is not None
    moment = reading.cuts[4].moments["REF"]
    assert moment.codes.shape[1] == radar.ngates == 336
    assert (moment.first_gate, moment.gate_spacing, moment.last_gate) == (0.0, 1000.0, 335_000.0)
    assert radar.range["data"][:3].tolist() == [0.0, 1000.0, 2000.0]
    assert np.array_equal(
        moment.values, radar.fields["reflectivity"]["data"].filled(np.nan), equal_nan=True
    )


def test_the_private_tree_of_recast_has_the_shape_that_the_adapter_reads() -> None:
    from recast_radar import _native

    data = wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()
    native = _native._open_tree(data, first_dim="time")
    root = native["tree"]
    assert native["source_format"] == "nexrad_level2"
    assert dict(root["attrs"])["scan_name"] == "VCP-11"
    site = {variable["name"]: variable["data"] for variable in root["variables"]}
    assert float(site["altitude"]) == 195.0
    (sweep,) = [child for child in root["children"] if child["name"] == "sweep_0"]
    variables = {variable["name"]: variable for variable in sweep["variables"]}
    assert dict(variables["time"]["attrs"])["units"] == "seconds since 2013-07-17T19:50:21Z"
    assert dict(variables["range"]["attrs"])["meters_between_gates"] == 250.0
    for name, dtype in {
        "time": np.float64,
        "azimuth": np.float32,
        "elevation": np.float32,
        "nyquist_velocity": np.float32,
        "nexrad_radial_status": np.uint8,
        "nexrad_message_sequence_number": np.uint16,
    }.items():
        assert variables[name]["data"].shape == (120,), name
        assert variables[name]["data"].dtype == dtype, name
    fields = {name: v for name, v in variables.items() if v["kind"] == "field"}
    assert list(fields) == ["DBZH", "ZDR", "PHIDP", "RHOHV"]
    assert {name: field["data"].shape for name, field in fields.items()} == {
        "DBZH": (120, 1832),
        "ZDR": (120, 1192),
        "PHIDP": (120, 1192),
        "RHOHV": (120, 1192),
    }
    reflectivity = fields["DBZH"]
    assert (reflectivity["rows"], reflectivity["start"], reflectivity["stride"]) == (None, 0, 1)
    assert dict(reflectivity["attrs"])["scale_factor"] == 0.5
    assert dict(reflectivity["attrs"])["add_offset"] == -33.0


def test_neither_decoder_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys; import stormlake.radar; "
        "print([m for m in ('pyart', 'recast_radar', 'xarray') if m in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_the_fallback_writes_nothing_to_standard_output() -> None:
    code = (
        "import sys; from stormlake.radar import pyart_reader; "
        "pyart_reader.read(open(sys.argv[1], 'rb').read())"
    )
    path = wheel_file("example_nexrad_archive_msg31_compressed.ar2v")
    answer = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (answer.stdout, answer.stderr) == ("", "")
