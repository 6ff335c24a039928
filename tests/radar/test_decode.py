"""What becomes of real files, of the same files damaged, and where their stations stand.

Numbers of cuts, rays and gates, and the reasons, are those that Py-ART 2.3.0 and recast-radar
0.1.3 agreed on when the acceptance values were written down.
"""

from __future__ import annotations

import gzip
import math
import random
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from stormlake.radar import containers, decode, pyart_reader, recast_reader
from stormlake.radar.outcomes import Reason, VolumeRejected
from stormlake.radar.stations import Station, builtin_stations
from stormlake.radar.volume import Volume
from tests.data import shared, wheel_file
from tests.radar import level2

KLBB = "KLBB20160601_150025_V06"
KABR = "KABR20050101_000745.gz"
TORD = "TORD20260811_225858_V08"
KATX = "example_nexrad_archive_msg31_compressed.ar2v"


def read(name: str, folder: str = "volumes") -> bytes:
    path: Path = shared("nexrad", folder, name)
    return path.read_bytes()


def rejected(data: bytes, key: str, stations: dict[str, Station] | None = None) -> VolumeRejected:
    with pytest.raises(VolumeRejected) as error:
        decode(data, key, stations)
    return error.value


@pytest.fixture(scope="module")
def klbb() -> Volume:
    return decode(read(KLBB), KLBB)


# Folder, name, cuts, rays, VCP, problems (`incomplete_cut` is told when cuts are chosen).
NO_END = (Reason.NO_END_OF_VOLUME,)
WHOLE = [
    ("volumes", "KABR20050101_000745.gz", 7, 2569, 32, ()),
    ("volumes", "KDMX20260101_154351_V06", 12, 6480, 35, ()),
    ("volumes", "KDOX20111001_110612_V04.gz", 11, 3961, 21, ()),
    ("volumes", "KLBB20160601_150025_V06", 11, 5400, 21, ()),
    ("volumes", "KLIX20050828_180149.gz", 16, 5855, 11, ()),
    ("volumes", "KLOT19950413_132143.gz", 11, 3995, 21, ()),
    ("volumes", "KLSX20251229_065156_V06", 10, 5760, 34, ()),
    ("volumes", "KSRX20200805_154019_V06", 16, 8640, 215, ()),
    ("volumes", "KTLX20140101_000624_V06.gz", 7, 3960, 32, ()),
    ("volumes", "TORD20200818_113449_V08", 16, 5760, 90, ()),
    ("volumes", "TORD20260811_225858_V08", 16, 5760, 90, ()),
    ("mosaic_NE_20100911", "KBGM20100911_012056_V03.gz", 8, 5040, 31, ()),
    ("mosaic_NE_20100911", "KCBW20100911_005706_V03.gz", 7, 3960, 32, ()),
    ("mosaic_NE_20100911", "KDOX20100911_012056_V04.gz", 7, 2520, 32, ()),
    ("mosaic_NE_20100911", "KENX20100911_011108_V03.gz", 11, 5400, 21, ()),
    ("sequence_KBGM_20050821", "KBGM20050821_024323.gz", 11, 4028, 21, ()),
    ("sequence_KBGM_20050821", "KBGM20050821_024910.gz", 11, 4028, 21, ()),
    ("sequence_KBGM_20050821", "KBGM20050821_025458.gz", 11, 4028, 21, ()),
    ("sequence_KBGM_20050822", "KBGM20050822_024414.gz", 11, 4028, 21, ()),
    ("sequence_KBGM_20050822", "KBGM20050822_025001.gz", 11, 4028, 21, ()),
    ("sequence_KBGM_20050822", "KBGM20050822_025549.gz", 11, 4028, 21, ()),
    ("sequence_KBGM_20050822", "KBGM20050822_030243.gz", 11, 4028, 21, ()),
    ("sequence_KBGM_20050822", "KBGM20050822_030830.gz", 11, 4028, 21, ()),
    ("damaged", "KIWX20160429_194300_V06.gz", 1, 76, 21, NO_END),
    ("damaged", "KMBX20160509_202910_V06.gz", 1, 94, 32, NO_END),
    ("damaged", "KLVX20050106_163401.gz", 5, 1573, 21, NO_END),
]


@pytest.mark.parametrize(
    ("folder", "name", "cuts", "rays", "vcp", "problems"), WHOLE, ids=[row[1] for row in WHOLE]
)
def test_a_real_file_has_its_cuts_rays_pattern_and_problems(
    folder: str, name: str, cuts: int, rays: int, vcp: int, problems: tuple[Reason, ...]
) -> None:
    volume = decode(read(name, folder), f"2016/01/01/{name[:4]}/{name}")
    assert (volume.station, len(volume.cuts), volume.rays) == (name[:4], cuts, rays)
    assert (volume.vcp, volume.problems) == (vcp, problems)
    assert volume.complete == (not problems)
    assert volume.decoder == "recast 0.1.3"
    assert [cut.index for cut in volume.cuts] == list(range(cuts))
    # The name tells the start; the first ray is at most 35 s away from it in these files.
    named = datetime.strptime(name[4:19], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    assert abs((volume.volume_time - named).total_seconds()) < 36


@pytest.mark.parametrize(
    ("name", "key", "cuts", "rays", "problems"),
    [
        (KATX, KATX, 1, 120, NO_END),
        ("example_nexrad_archive_msg31.bz2", "KATX.bz2", 16, 7200, ()),
        ("example_nexrad_archive_msg1.bz2", "KLOT20030101_000921.bz2", 7, 2567, ()),
    ],
)
def test_the_files_of_the_wheel_decode(
    name: str, key: str, cuts: int, rays: int, problems: tuple[Reason, ...]
) -> None:
    volume = decode(wheel_file(name).read_bytes(), key)
    assert (len(volume.cuts), volume.rays, volume.problems) == (cuts, rays, problems)


def test_a_stub_of_metadata_alone_has_no_radials() -> None:
    name = "KBMX20160509_093623_V06.gz"
    error = rejected(read(name, "damaged"), name)
    assert error.reason == Reason.NO_RADIALS
    assert "recast: DecodeError" in error.detail
    assert "pyart: ValueError: No MSG31 records found" in error.detail


def test_a_stub_and_then_another_volume_are_concatenated_volumes() -> None:
    name = "KCBW20150113_174533_V06.gz"
    error = rejected(read(name, "damaged"), name)
    assert error.reason == Reason.CONCATENATED_VOLUMES
    assert "325,912" in error.detail


def test_valid_below_threshold_and_folded_gates_are_counted_apart(klbb: Volume) -> None:
    def states(cut: int, name: str) -> list[int]:
        return np.bincount(klbb.cuts[cut].moments[name].state.ravel(), minlength=3).tolist()

    assert klbb.cuts[0].moments["REF"].codes.shape == (720, 1832)
    assert states(0, "REF") == [213_468, 1_105_572, 0]
    assert klbb.cuts[1].moments["VEL"].codes.shape == (720, 1192)
    assert states(1, "VEL") == [169_098, 668_937, 20_205]
    assert states(0, "ZDR")[0] == states(0, "RHO")[0] == 211_981


def test_the_small_volume_of_the_wheel_has_its_known_reflectivity() -> None:
    volume = decode(wheel_file(KATX).read_bytes(), KATX)
    (cut,) = volume.cuts
    reflectivity = cut.moments["REF"]
    valid = reflectivity.values[reflectivity.state == 0]
    assert (len(valid), valid.min(), valid.max()) == (23_363, -30.5, 44.5)
    assert np.count_nonzero(valid >= 20) == 3_547
    assert np.count_nonzero(valid == 20) == 240
    assert np.count_nonzero(cut.moments["ZDR"].state == 0) == 22_081
    assert np.count_nonzero(cut.moments["RHO"].state == 0) == 22_081


def test_gates_stay_native_where_a_file_mixes_grids() -> None:
    kenx = decode(read("KENX20100911_011108_V03.gz", "mosaic_NE_20100911"), "KENX20100911_011108")
    grids = [(c.moments["REF"].first_gate, c.moments["REF"].gate_spacing) for c in kenx.cuts[::2]]
    assert grids == [(2125.0, 250.0)] * 2 + [(2500.0, 1000.0)] * 4
    kdox = decode(read("KDOX20111001_110612_V04.gz"), "KDOX20111001_110612_V04.gz")
    assert kdox.cuts[4].moments["REF"].first_gate == 500.0
    assert kdox.cuts[4].moments["REF"].gate_spacing == 1000.0
    kabr = decode(read(KABR), KABR)
    reflectivity, velocity = (kabr.cuts[4].moments[name] for name in ("REF", "VEL"))
    assert (reflectivity.first_gate, reflectivity.gate_spacing) == (0.0, 1000.0)
    assert (velocity.first_gate, velocity.gate_spacing) == (-375.0, 250.0)


def test_rays_are_in_the_order_of_acquisition_with_their_times(klbb: Volume) -> None:
    assert klbb.volume_time == datetime(2016, 6, 1, 15, 0, 25, 232_000, tzinfo=UTC)
    times = np.concatenate([cut.time for cut in klbb.cuts])
    assert times[0] == 0.0
    assert times[-1] == 340.932
    assert np.all(np.diff(times) > 0)
    assert klbb.cuts[0].azimuth[:2].tolist() == [287.29248046875, 287.7484130859375]
    assert klbb.cuts[0].fixed_angle == klbb.cuts[1].fixed_angle == 0.4833984375


def test_a_cut_without_velocity_may_lack_a_nyquist_velocity(klbb: Volume) -> None:
    assert klbb.cuts[1].nyquist[0] == np.float32(22.56)
    kabr = decode(read(KABR), KABR)
    assert np.isnan(kabr.cuts[0].nyquist).all()
    assert len(kabr.cuts[0].nyquist) == kabr.cuts[0].rays
    assert kabr.cuts[1].nyquist[0] == np.float32(33.3)


# --- damage ----------------------------------------------------------------------------------


def test_nothing_and_next_to_nothing_are_rejected() -> None:
    data = wheel_file(KATX).read_bytes()
    assert rejected(b"", KLBB).reason == Reason.EMPTY_OBJECT
    assert rejected(data[:4], KLBB).reason == Reason.NOT_LEVEL2
    assert rejected(data[:24], KLBB).reason == Reason.NO_RADIALS
    assert rejected(random.Random(1).randbytes(10_000), KLBB).reason == Reason.NOT_LEVEL2


@pytest.mark.parametrize("seed", range(12))
def test_a_header_with_garbage_behind_it_is_rejected(seed: int) -> None:
    garbage = random.Random(seed).randbytes(60_000)
    error = rejected(wheel_file(KATX).read_bytes()[:24] + bytes(12) + garbage, KLBB)
    # By chance a reader takes some of it for rays, of cuts that cannot follow one another.
    assert error.reason in (Reason.DECODE_ERROR, Reason.NO_RADIALS, Reason.MISSING_CUT)
    assert len(error.detail) < 500


def test_gzip_of_a_volume_gives_the_volume() -> None:
    data = wheel_file(KATX).read_bytes()
    assert decode(gzip.compress(data), KATX).rays == 120
    short = gzip.compress(data)[:-2000]
    assert rejected(short, KATX).reason == Reason.TRUNCATED_CONTAINER


def test_a_truncated_volume_is_partial() -> None:
    data = read(KLBB)
    volume = decode(data[: len(data) * 6 // 10], KLBB)
    assert (len(volume.cuts), volume.rays) == (4, 2880)
    assert (volume.complete, volume.problems) == (False, NO_END)


def test_half_a_ray_is_no_ray() -> None:
    name = "KTLX20140101_000624_V06.gz"
    data = gzip.decompress(read(name))
    volume = decode(data[: len(data) * 6 // 10], name)
    assert (len(volume.cuts), volume.rays, volume.problems) == (4, 2565, NO_END)


def test_a_broken_record_ends_the_volume_early() -> None:
    volume = decode(level2.with_byte_inverted(read(KLBB), 1_000_000), KLBB)
    assert [cut.rays for cut in volume.cuts] == [720, 120]
    assert volume.problems == NO_END


def test_volumes_behind_one_another_are_rejected_in_whatever_container() -> None:
    data = read(KLBB)
    bz2_volume = wheel_file("example_nexrad_archive_msg31.bz2").read_bytes()
    for joined in (data + data, gzip.compress(data) + gzip.compress(data), bz2_volume * 2):
        assert rejected(joined, KLBB).reason == Reason.CONCATENATED_VOLUMES


def test_two_volumes_without_a_header_between_them_are_rejected() -> None:
    header, messages = level2.take_apart(read(KLBB))
    _, others = level2.take_apart(read("KDMX20260101_154351_V06"))
    rays = [message for message in others if message.is_ray]
    error = rejected(level2.raw_volume(header, [*messages, *rays]), KLBB)
    assert error.reason == Reason.CONCATENATED_VOLUMES
    assert "2 rays say that a volume starts" in error.detail


def test_rays_more_than_15_minutes_apart_are_of_several_volumes() -> None:
    def later(milliseconds: int) -> bytes:
        return level2.with_rays(
            read(KLBB), lambda i, ray: ray.later(milliseconds) if i == 5399 else ray
        )

    # The volume takes 340.932 s.
    assert decode(later(559_068), KLBB).rays == 5400
    error = rejected(later(559_069), KLBB)
    assert error.reason == Reason.CONCATENATED_VOLUMES
    assert "900 s from the first ray" in error.detail


@pytest.mark.parametrize("name", [KATX, "example_nexrad_archive_msg1.bz2"])
def test_a_volume_with_any_damage_is_a_volume_or_has_a_reason(name: str) -> None:
    header, messages = level2.take_apart(wheel_file(name).read_bytes())
    volume = level2.raw_volume(header, messages[-120:])
    key = "KLOT20030101_000921" if "msg1" in name else KATX
    chance = random.Random(20_160_601)
    outcomes = set()
    for _ in range(150):
        data = bytearray(volume)
        at = chance.randrange(24, len(data))
        damage = chance.choice(["noise", "cut", "gap", "more"])
        if damage == "noise":
            data[at : at + 40] = chance.randbytes(len(data[at : at + 40]))
        elif damage == "cut":
            del data[at:]
        elif damage == "gap":
            del data[at : at + chance.randrange(1, 5000)]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 5000))
        try:
            decoded = decode(bytes(data), key)
            outcomes.add("volume")
            assert 0 < decoded.rays <= 120
        except VolumeRejected as error:
            outcomes.add(error.reason)
            if error.reason == Reason.DECODE_ERROR:
                assert error.detail.startswith("recast: ")
    assert "volume" in outcomes
    assert len(outcomes) > 1


# --- missing cuts ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def without_cut_8() -> bytes:
    return level2.without(read(KLBB), lambda message: message.elevation_number == 8)


def test_a_volume_taken_apart_and_put_together_is_whole(klbb: Volume) -> None:
    header, messages = level2.take_apart(read(KLBB))
    for data in (level2.raw_volume(header, messages), level2.ldm_volume(header, messages)):
        volume = decode(data, KLBB)
        assert (volume.rays, volume.problems) == (5400, ())
        for cut, original in zip(volume.cuts, klbb.cuts, strict=True):
            assert np.array_equal(cut.moments["REF"].codes, original.moments["REF"].codes)


def test_a_missing_cut_is_seen_by_its_pause_and_its_message_numbers(without_cut_8: bytes) -> None:
    volume = decode(without_cut_8, KLBB)
    assert (len(volume.cuts), volume.rays) == (10, 5040)
    assert volume.complete
    assert volume.problems == (Reason.MISSING_CUT,)
    assert float(np.median(volume.cuts[7].elevation)) == pytest.approx(9.89, abs=0.01)


def renumbered(change: Callable[[int], int], pause: int) -> bytes:
    """KLBB with `pause` ms and new message numbers from ray 2880, the first of cut 4."""

    def move(i: int, ray: level2.Message) -> level2.Message:
        if i < 2880:
            return ray
        return ray.later(pause).with_sequence(change(ray.sequence) % 0x8000)

    return level2.with_rays(read(KLBB), move)


@pytest.mark.parametrize(
    ("jump", "pause", "problems"),
    [
        # Between cuts 3 and 4 the original has 1.023 s and message numbers go on by 1.
        (99, 8_977, ()),
        (100, 0, (Reason.MISSING_CUT,)),
        (-101, 0, ()),
        (-102, 0, (Reason.MISSING_CUT,)),
        (0, 8_978, (Reason.MISSING_CUT,)),
    ],
)
def test_a_jump_over_100_or_a_pause_over_10_s_is_a_missing_cut(
    jump: int, pause: int, problems: tuple[Reason, ...]
) -> None:
    volume = decode(renumbered(lambda number: number + jump, pause), KLBB)
    assert volume.problems == problems


def test_message_numbers_may_wrap_between_cuts() -> None:
    first = level2.take_apart(read(KLBB))[1]
    number = [message.sequence for message in first if message.is_ray][2880]
    data = level2.with_rays(
        read(KLBB), lambda i, ray: ray.with_sequence((ray.sequence - number) % 0x8000)
    )
    volume = decode(data, KLBB)
    assert volume.problems == ()


def test_a_volume_that_starts_with_its_second_cut_misses_one() -> None:
    data = level2.without(read(KLBB), lambda message: message.elevation_number == 1)
    assert decode(data, KLBB).problems == (Reason.MISSING_CUT,)


def test_rays_that_records_in_the_wrong_order_put_into_another_cut_are_noticed() -> None:
    # Records 1 to 6 are cut 0, the metadata is record 0: this swaps across the end of the cut.
    volume = decode(level2.with_records_swapped(read(KLBB), 6, 7), KLBB)
    assert volume.rays == 5400
    assert [cut.rays for cut in volume.cuts[:2]] == [600, 840]
    assert volume.problems == (Reason.MISSING_CUT,)


def test_records_in_the_wrong_order_within_a_cut_do_no_harm(klbb: Volume) -> None:
    volume = decode(level2.with_records_swapped(read(KLBB), 3, 4), KLBB)
    assert volume.problems == ()
    for cut, original in zip(volume.cuts, klbb.cuts, strict=True):
        assert np.array_equal(cut.azimuth, original.azimuth)
        assert np.array_equal(cut.moments["REF"].codes, original.moments["REF"].codes)


# --- the second reader -----------------------------------------------------------------------


class PanicException(BaseException):
    """Stands in for the class that pyo3 raises; it cannot be imported."""


PanicException.__module__ = "pyo3_runtime"


@pytest.fixture
def recast_refuses(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    def refuse(error: BaseException) -> None:
        def read(data: bytes) -> None:
            raise error

        monkeypatch.setattr(recast_reader, "read", read)

    return refuse


@pytest.mark.parametrize("error", [ValueError("a format it does not know"), PanicException("oh")])
def test_pyart_reads_what_recast_refuses(
    recast_refuses: Callable[[BaseException], None], error: BaseException
) -> None:
    recast_refuses(error)
    volume = decode(wheel_file(KATX).read_bytes(), KATX)
    assert (volume.decoder, volume.rays, volume.problems) == ("pyart 2.3.0", 120, NO_END)


def test_an_interrupt_in_a_decoder_is_an_interrupt(
    recast_refuses: Callable[[BaseException], None],
) -> None:
    recast_refuses(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        decode(wheel_file(KATX).read_bytes(), KATX)


def test_the_fallback_gives_every_volume_of_a_station_the_same_altitude(
    recast_refuses: Callable[[BaseException], None],
) -> None:
    from pyart.io.nexrad_common import NEXRAD_LOCATIONS

    recast_refuses(ValueError("no"))
    before = NEXRAD_LOCATIONS["KLOT"]["elev"]
    data = wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    altitudes = [decode(data, "KLOT20030101_000921.bz2").altitude for _ in range(2)]
    assert altitudes == [202.0824, 202.0824]
    assert NEXRAD_LOCATIONS["KLOT"]["elev"] == before


def test_the_fallback_does_not_trust_itself_with_a_missing_cut(
    recast_refuses: Callable[[BaseException], None], without_cut_8: bytes
) -> None:
    recast_refuses(ValueError("no"))
    error = rejected(without_cut_8, KLBB)
    assert error.reason == Reason.MISSING_CUT
    assert error.detail.endswith("of 1 elevation numbers, the first is 8")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("Level II records (6 message(s)) but no complete volume", Reason.NO_RADIALS),
        ("invalid moment block", Reason.DECODE_ERROR),
    ],
)
def test_when_both_readers_fail_recasts_message_decides_and_both_are_told(
    recast_refuses: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    message: str,
    reason: Reason,
) -> None:
    def fail(data: bytes) -> None:
        raise struct.error("unpack requires a buffer of 72 bytes")

    recast_refuses(ValueError(message))
    monkeypatch.setattr(pyart_reader, "read", fail)
    error = rejected(wheel_file(KATX).read_bytes(), KATX)
    assert error.reason == reason
    assert error.detail == (
        f"recast: ValueError: {message}; pyart: error: unpack requires a buffer of 72 bytes"
    )


def test_an_error_that_nobody_foresaw_is_a_decode_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(containers, "find_second_header", fail)
    error = rejected(wheel_file(KATX).read_bytes(), KATX)
    assert (error.reason, error.detail) == (
        Reason.DECODE_ERROR,
        "ZeroDivisionError: division by zero",
    )


# --- station and location --------------------------------------------------------------------


def locations() -> Iterator[tuple[str, str, float, float, float]]:
    yield "volumes", KLBB, 33.65414047, -101.81416321, 1029.0  # 1005 + 24 m
    yield "mosaic_NE_20100911", "KDOX20100911_012056_V04.gz", 38.82555389, -75.44000244, 13.0
    yield "volumes", "KDOX20111001_110612_V04.gz", 38.82555389, -75.44000244, 45.0
    yield "volumes", KABR, 45.45583, -98.41306, 396.8496
    yield "volumes", "KLOT19950413_132143.gz", 41.60444, -88.08472, 202.0824
    yield "volumes", TORD, 41.797000885, -87.858001709, 226.7712
    yield "volumes", "TORD20200818_113449_V08", 41.797, -87.858, 226.7712  # in thousandths


@pytest.mark.parametrize(
    ("folder", "name", "latitude", "longitude", "altitude"),
    list(locations()),
    ids=[row[1] for row in locations()],
)
def test_a_volume_stands_where_its_station_does(
    folder: str, name: str, latitude: float, longitude: float, altitude: float
) -> None:
    volume = decode(read(name, folder), name)
    assert volume.latitude == pytest.approx(latitude, abs=1e-8)
    assert volume.longitude == pytest.approx(longitude, abs=1e-8)
    assert volume.altitude == altitude


MESSAGE_1 = "example_nexrad_archive_msg1.bz2"


def test_the_station_is_told_by_the_name_then_by_the_folders_then_by_the_header() -> None:
    data = wheel_file(KATX).read_bytes()
    everywhere = {"KAAA": Station(48.2, -122.5, 1.0), "KBBB": Station(48.2, -122.5, 2.0)}
    for key, station in {
        "KAAA20130717_195021_V06": "KAAA",
        "2013/07/17/KBBB/KAAA20130717_195021_V06": "KAAA",
        "2013/07/17/KBBB/renamed.ar2v": "KBBB",
        "copies/renamed.ar2v": "KATX",
        "TORD/20260811_225858/": "KATX",
    }.items():
        assert decode(data, key, everywhere).station == station, key


def test_a_message_1_volume_of_a_station_that_nobody_knows_is_rejected() -> None:
    data = wheel_file(MESSAGE_1).read_bytes()
    error = rejected(data, "XYZW20030101_000921.bz2")
    assert error.reason == Reason.UNKNOWN_STATION
    assert "XYZW" in error.detail
    assert "--station-file" in error.detail
    volume = decode(data, "XYZW20030101_000921.bz2", {"XYZW": Station(1.0, 2.0, 3.0)})
    assert (volume.latitude, volume.longitude, volume.altitude) == (1.0, 2.0, 3.0)


def test_a_volume_without_any_station_is_rejected() -> None:
    error = rejected(wheel_file(MESSAGE_1).read_bytes(), "example.bz2")
    assert error.reason == Reason.UNKNOWN_STATION


def test_a_message_31_volume_needs_no_table() -> None:
    volume = decode(wheel_file(KATX).read_bytes(), "XYZW20130717_195021_V06", {})
    assert (volume.station, volume.altitude) == ("XYZW", 195.0)


def test_a_volume_far_from_its_station_is_rejected() -> None:
    error = rejected(wheel_file(KATX).read_bytes(), "KLOT20130717_195021_V06")
    assert error.reason == Reason.BAD_LOCATION
    assert "KLOT" in error.detail
    # One degree of latitude is 111.195 km on the sphere.
    for north, accepted in ((0.449, True), (0.451, False)):
        stations = {"KATX": Station(48.19472122192383 + north, -122.49569702148438, 0.0)}
        data = wheel_file(KATX).read_bytes()
        if accepted:
            assert decode(data, KATX, stations).rays == 120
        else:
            assert rejected(data, KATX, stations).reason == Reason.BAD_LOCATION


def moved(latitude: float, longitude: float) -> bytes:
    return level2.with_rays(
        wheel_file(KATX).read_bytes(), lambda i, ray: ray.with_location(latitude, longitude)
    )


@pytest.mark.parametrize("place", [(0.0, 0.0), (95_000.0, 5.0), (45.0, 190.0)])
def test_a_place_that_is_none_is_a_bad_location(place: tuple[float, float]) -> None:
    error = rejected(moved(*place), "XYZW20130717_195021_V06")
    assert error.reason == Reason.BAD_LOCATION


def test_a_place_that_is_no_number_is_that_of_the_table() -> None:
    volume = decode(moved(float("nan"), float("nan")), KATX)
    assert (volume.latitude, volume.altitude) == (48.19472, 494 * 0.3048)


def test_a_station_without_an_altitude_in_the_table_is_read_and_its_altitude_is_not_known() -> None:
    volume = decode(wheel_file(MESSAGE_1).read_bytes(), "KLWX20030101_000921.bz2")
    assert (volume.latitude, volume.longitude) == (38.97628, -77.48751)
    assert math.isnan(volume.altitude)


def test_a_tdwr_that_is_in_no_table_has_half_of_its_doubled_height() -> None:
    stations = {name: s for name, s in builtin_stations().items() if name != "TORD"}
    assert decode(read(TORD), TORD, stations).altitude == 226.0


# --- chunks ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chunks() -> list[tuple[str, bytes]]:
    folder = shared("nexrad", "chunks_TORD_20260811_225858")
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


def test_joined_chunks_are_a_volume(chunks: list[tuple[str, bytes]]) -> None:
    volume = decode(b"".join(data for _, data in chunks), "chunks_TORD_20260811_225858/")
    assert (volume.station, len(volume.cuts), volume.rays) == ("TORD", 16, 5760)
    assert volume.problems == ()


def test_chunks_without_the_last_one_are_a_partial_volume(
    chunks: list[tuple[str, bytes]],
) -> None:
    volume = decode(b"".join(data for _, data in chunks[:-1]), "chunks_TORD_20260811_225858/")
    assert (len(volume.cuts), volume.rays, volume.problems) == (16, 5640, NO_END)


def test_a_chunk_that_is_not_the_first_is_no_volume(chunks: list[tuple[str, bytes]]) -> None:
    name, data = chunks[1]
    assert rejected(data, name).reason == Reason.NOT_LEVEL2
