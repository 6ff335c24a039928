"""`stormlake simulate …` as a person types it."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stormlake.cli import main
from tests.fakes.s3 import CREDENTIALS, S3Server, s3_server

STREAMS = ["unicorns", "wind", "vitals", "events"]
SHAPES = ["lines", "concatenated", "array", "wrapped", "pretty"]
WRAPPERS = {"unicorns": "travel_data", "wind": "records", "vitals": "records", "events": "records"}
NAME = re.compile(
    r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/[a-z]+-1-\1-\2-\3-\4-\d\d-00-"
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *arguments])


def told(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--output", "json")
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads(result.output.splitlines()[-1])
    return facts


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def archive(root: Path) -> dict[str, bytes]:
    return {key: data for key, data in files(root).items() if not key.startswith("_")}


def values(text: str) -> list[Any]:
    """Every JSON value of a text, white space between them or not."""
    found, at, decoder = [], 0, json.JSONDecoder()
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def records(data: bytes, stream: str, shape: str) -> list[Any]:
    found = values(data.decode())
    if shape == "array":
        return list(found[0])
    if shape == "wrapped":
        assert list(found[0]) == [WRAPPERS[stream]]
        return list(found[0][WRAPPERS[stream]])
    return found


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_archive_holds_the_records_that_the_command_tells_of(
    tmp_path: Path, stream: str, shape: str
) -> None:
    facts = told(stream, "--records", "700", "--shape", shape, "--out", str(tmp_path))
    objects = archive(tmp_path)
    assert facts["records"] == 700
    assert facts["objects"] == len(objects)
    assert facts["bytes"] == sum(map(len, objects.values()))
    read = [r for data in objects.values() for r in records(data, stream, shape)]
    copies = Counter(json.dumps(r, sort_keys=True) for r in read)
    assert len(copies) == 700
    assert len(read) == 700 + facts["duplicates"]
    assert facts["duplicates"] > 0 and facts["late"] > 0
    assert all(NAME.fullmatch(key) for key in objects)


@pytest.mark.parametrize("stream", [*STREAMS, "cloudfront"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    tmp_path: Path, stream: str
) -> None:
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        told(stream, "--records", "900", "--seed", seed, "--gzip", "--out", str(tmp_path / name))
    a, b, c = (files(tmp_path / name) for name in "abc")
    assert a == b
    assert archive(tmp_path / "a").keys() & archive(tmp_path / "c").keys() == set()
    assert sorted(map(len, a.values())) != sorted(map(len, c.values()))


def test_compressed_objects_end_in_gz_and_hold_the_same(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    told("wind", "--out", str(plain))
    facts = told("wind", "--gzip", "--out", str(packed))
    unpacked = {key: gzip.decompress(data) for key, data in archive(packed).items()}
    assert unpacked == {f"{key}.gz": data for key, data in archive(plain).items()}
    assert facts["bytes"] == sum(map(len, archive(packed).values()))
    assert all(
        data[:3] == b"\x1f\x8b\x08" and data[4:8] == bytes(4) for data in archive(packed).values()
    )


def test_an_hour_of_wind_lies_in_its_hour_and_the_next_and_its_gusts_are_told(
    tmp_path: Path,
) -> None:
    facts = told("wind", "--start", "2026-12-31T23:00", "--out", str(tmp_path))
    hours = Counter(key.rpartition("/")[0] for key in archive(tmp_path))
    assert hours == {"2026/12/31/23": 11, "2027/01/01/00": 2}
    plan = json.loads((tmp_path / "_planted.json").read_text())
    assert facts["truth"] == str(tmp_path / "_planted.json")
    assert facts["planted"] == len(plan["planted"]) > 12
    assert plan["arguments"] == {
        "records": 10800,
        "seed": 1,
        "start": "2026-12-31T23:00:00+00:00",
        "shape": "lines",
        "gz": False,
        "duplicates": 0.01,
        "late": 0.01,
    }
    read = {tuple(r.items()) for data in archive(tmp_path).values() for r in values(data.decode())}
    fast = {r for r in read if dict(r)["speed"] > 70}
    assert {
        (("location", p["location"]), ("speed", p["speed"]), ("timestamp", p["timestamp"]))
        for p in plan["planted"]
    } == fast
    for place in plan["planted"]:
        before = [
            r
            for r in read
            if dict(r)["location"] == place["location"]
            and dict(r)["timestamp"] < place["timestamp"]
        ]
        assert len(before) == place["record"] >= 300


def test_what_is_told_of_vitals_names_nobody(tmp_path: Path) -> None:
    facts = told("vitals", "--records", "3100", "--out", str(tmp_path))
    (data,) = archive(tmp_path).values()
    people = records(data, "vitals", "concatenated")
    beside = (tmp_path / "_planted.json").read_text() + (tmp_path / "_registry.csv").read_text()
    assert facts["planted"] == 3
    assert facts["registry"] == str(tmp_path / "_registry.csv")
    for person in people:
        assert person["name"] not in beside and person["dob"] not in beside
        assert person["patient_id"] not in beside
    low = {(r["device_id"], r["timestamp"], r["pulse"]) for r in people if r["pulse"] <= 40}
    plan = json.loads((tmp_path / "_planted.json").read_text())["planted"]
    assert {(p["device_id"], p["timestamp"], p["pulse"]) for p in plan} == low


def test_standard_logs_lie_flat_under_their_distribution_and_hour(tmp_path: Path) -> None:
    facts = told(
        "cloudfront", "--format", "web", "--start", "2026-05-01T21:30", "--out", str(tmp_path)
    )
    objects = files(tmp_path)
    names = [
        re.fullmatch(r"([A-Z0-9]+)\.(\d{4}-\d\d-\d\d-\d\d)\.[0-9a-f]{8}\.gz", k) for k in objects
    ]
    assert Counter(name[2] for name in names if name) == {"2026-05-01-21": 6, "2026-05-01-22": 6}
    rows = 0
    for name, data in objects.items():
        lines = gzip.decompress(data).decode().splitlines()
        assert lines[1].startswith("#Fields: date time ")
        for line in lines[2:]:
            day, time, *_ = line.split("\t")
            assert f"{day}-{time[:2]}" == name.split(".")[1]
            rows += 1
    assert rows == facts["records"] == sum(facts["os"].values()) == 3600


def test_real_time_logs_come_with_the_fields_that_their_reader_must_be_told(tmp_path: Path) -> None:
    facts = told("cloudfront", "--format", "realtime", "--records", "30", "--out", str(tmp_path))
    (data,) = archive(tmp_path).values()
    assert {line.count("\t") + 1 for line in data.decode().splitlines()} == {40}
    assert len(facts["fields"].split()) == 40
    assert facts["fields"].startswith("timestamp c-ip time-to-first-byte ")


def test_systems_are_told_in_words(tmp_path: Path) -> None:
    result = run("cloudfront", "--records", "300", "--out", str(tmp_path))
    assert re.search(r"^os +Android \d+, Linux \d+, MacOS \d+, OSX \d+,", result.output, re.M)


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_a_log_is_lines_and_any_other_shape_is_refused(tmp_path: Path, shape: str) -> None:
    result = run("cloudfront", "--shape", shape, "--out", str(tmp_path / "new"))
    assert result.exit_code == 2
    assert f"never {shape} JSON" in result.output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ("--records", "0"),
        ("--seed", "-1"),
        ("--duplicates", "1.1"),
        ("--start", "yesterday"),
        ("--start", "1969-12-31"),
        ("--start", "0001-01-01T00:00+05:00"),
        ("--shape", "csv"),
    ],
)
def test_an_argument_that_cannot_be_used_exits_2_and_writes_nothing(
    tmp_path: Path, wrong: tuple[str, str]
) -> None:
    assert run("wind", *wrong, "--out", str(tmp_path / "new")).exit_code == 2
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("stream", [*STREAMS, "cloudfront"])
def test_a_dry_run_says_what_it_would_write(tmp_path: Path, stream: str) -> None:
    result = run(stream, "--records", "9", "--dry-run", "--out", str(tmp_path / "new"))
    assert result.output.startswith("would    write 9 ")
    assert str(tmp_path / "new") in result.output
    assert not (tmp_path / "new").exists()


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("signing")
def test_a_bucket_gets_the_same_objects_as_a_folder(tmp_path: Path, server: S3Server) -> None:
    client = server.client()
    client.create_bucket(Bucket="feed")
    endpoint = ("--endpoint-url", server.endpoint_url)
    facts = told("wind", "--records", "3000", "--out", "s3://feed/a/wind", *endpoint)
    told("wind", "--records", "3000", "--out", str(tmp_path))
    listed = client.list_objects_v2(Bucket="feed")["Contents"]
    put = {
        entry["Key"]: client.get_object(Bucket="feed", Key=entry["Key"])["Body"].read()
        for entry in listed
    }
    assert put == {f"a/wind/{key}": data for key, data in files(tmp_path).items()}
    assert facts["truth"] == "s3://feed/a/wind/_planted.json"


@pytest.mark.usefixtures("signing")
def test_a_bucket_that_is_missing_is_named(server: S3Server) -> None:
    result = run(
        "events", "--records", "9", "--out", "s3://nobody", "--endpoint-url", server.endpoint_url
    )
    assert result.exit_code == 2
    assert "there is no bucket 'nobody'" in result.output
    assert "create it" in result.output
