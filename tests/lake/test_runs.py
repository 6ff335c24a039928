from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from stormlake.errors import RefusedInput
from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.runs import (
    RunRecord,
    latest_records,
    lock_hash,
    new_run_id,
    read_record,
    read_records,
    run_key,
    write_record,
)
from stormlake.lake.store import AlreadyExists, Store

REPOSITORY = Path(__file__).parents[2]
STARTED = datetime(2026, 8, 11, 22, 58, 58, 123456, tzinfo=UTC)
FILE = FileWritten(
    "radar_grid/station=KLBB/date=2016-06-01/part-0.zstd.parquet", rows=35416, bytes=54321
)
RECORD = RunRecord(
    job="ingest-radar",
    run_id="0123456789abcdef-1",
    run_key="0123456789abcdef",
    started=STARTED,
    finished=STARTED + timedelta(seconds=90),
    ok=True,
    exit_code=0,
    software="stormlake 0.1.0",
    code_hash="c" * 16,
    lock_hash="d" * 16,
    source="s3://unidata-nexrad-level2",
    tables={
        "radar_grid": (
            PartitionWritten(("KLBB", "2016-06-01"), (FILE,)),
            PartitionWritten(("KLBB", "2016-06-02")),
        )
    },
    partitions={"radar_grid": ("station", "date")},
    profile="lake",
    profile_hash="e" * 16,
    start="2016-06-01",
    end="2016-06-03",
    summary={"volumes": {"ok": 1}},
)


def test_a_run_key_is_the_hash_of_canonical_json() -> None:
    text = (
        '{"arguments":{"dual_pol":"require"},"code":"c","job":"ingest-radar","lock":"l",'
        '"profile":"p","scope":{"days":["2016-06-01"],"stations":["KLBB"]}}'
    )
    scope = {"stations": ["KLBB"], "days": ["2016-06-01"]}
    key = run_key("ingest-radar", scope, "c", "l", "p", {"dual_pol": "require"})
    assert key == hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("what", range(6))
def test_a_run_key_changes_with_everything_that_goes_into_it(what: int) -> None:
    one = ["job", {"day": "1"}, "code", "lock", "profile", {"a": 1}]
    other = list(one)
    other[what] = {"day": "2"} if what in (1, 5) else "other"
    assert run_key(*one) != run_key(*other)


def test_a_run_started_by_hand_is_named_by_its_key_and_utc_start() -> None:
    summer = STARTED.astimezone(timezone(timedelta(hours=-5)))
    assert new_run_id("0123456789abcdef", summer) == "0123456789abcdef-20260811T225858.123Z"


def test_a_record_comes_back_as_it_was_written(store: Store) -> None:
    write_record(store, RECORD)
    assert read_record(store, "ingest-radar", "0123456789abcdef-1") == RECORD
    assert read_record(store, "ingest-radar", "other") is None


def test_a_record_can_be_read_without_us(store: Store) -> None:
    write_record(store, RECORD)
    lines = json.loads(store.read("_stormlake/runs/ingest-radar/0123456789abcdef-1.json").data)
    assert lines["started"] == "2026-08-11T22:58:58.123456Z"
    assert lines["tables"]["radar_grid"] == [
        {
            "partition": {"station": "KLBB", "date": "2016-06-01"},
            "rows": 35416,
            "bytes": 54321,
            "files": [{"path": FILE.path, "rows": 35416, "bytes": 54321}],
        },
        {
            "partition": {"station": "KLBB", "date": "2016-06-02"},
            "rows": 0,
            "bytes": 0,
            "files": [],
        },
    ]


def test_a_record_is_written_once(store: Store) -> None:
    write_record(store, RECORD)
    with pytest.raises(AlreadyExists):
        write_record(store, replace(RECORD, ok=False))
    assert read_record(store, RECORD.job, RECORD.run_id).ok


def test_the_latest_started_run_counts_for_each_of_its_partitions(store: Store) -> None:
    later = replace(
        RECORD,
        run_id="fedcba9876543210-1",
        started=STARTED + timedelta(hours=1),
        tables={"radar_grid": (PartitionWritten(("KLBB", "2016-06-02"), (FILE,)),)},
        ok=False,
        exit_code=3,
    )
    write_record(store, later)
    write_record(store, RECORD)  # it ended last, but started first
    write_record(store, replace(RECORD, job="other", tables={}))
    assert [record.run_id for record in read_records(store, "ingest-radar")] == [
        RECORD.run_id,
        later.run_id,
    ]
    assert len(read_records(store)) == 3
    latest = latest_records(read_records(store), "radar_grid")
    assert {values: record.run_id for values, record in latest.items()} == {
        ("KLBB", "2016-06-01"): RECORD.run_id,
        ("KLBB", "2016-06-02"): later.run_id,
    }
    assert latest_records(read_records(store), "radar_columns") == {}


def test_a_record_of_a_later_form_is_refused_and_one_with_more_fields_is_read(
    store: Store,
) -> None:
    write_record(store, RECORD)
    path = "_stormlake/runs/ingest-radar/0123456789abcdef-1.json"
    stored = store.read(path)
    lines = json.loads(stored.data)
    etag = store.replace(path, json.dumps(lines | {"weather": "fine"}).encode(), stored.etag)
    assert read_record(store, RECORD.job, RECORD.run_id) == RECORD
    etag = store.replace(path, json.dumps(lines | {"format": 2}).encode(), etag)
    with pytest.raises(RefusedInput, match=r"have form 2; this one reads up to 1: upgrade"):
        read_records(store)
    store.replace(path, b'{"format": 1}', etag)
    with pytest.raises(RefusedInput, match="is not a run record"):
        read_records(store)


def code_hash_of(*path: Path) -> str:
    code = "from stormlake.lake.sources import code_hash; print(code_hash())"
    environment = {"PYTHONPATH": ":".join(map(str, path)), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the code, with at least one job and one .sql file in it."""
    root = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "lib" / "stormlake", root / "lib" / "stormlake", ignore=ignore)
    for part in ("jobs", "sql"):
        if (REPOSITORY / part).exists():
            shutil.copytree(REPOSITORY / part, root / part, ignore=ignore)
        (root / part / "radar").mkdir(parents=True, exist_ok=True)
        (root / part / "radar" / "example.sql").write_text("SELECT 1")
    return root


def test_the_code_hash_of_a_checkout_is_that_of_its_wheel_and_of_its_zip(
    checkout: Path, tmp_path: Path
) -> None:
    wheel = tmp_path / "site-packages" / "stormlake"
    shutil.copytree(checkout / "lib" / "stormlake", wheel)
    for part in ("jobs", "sql"):
        shutil.copytree(checkout / part, wheel / part)
    with zipfile.ZipFile(tmp_path / "code.zip", "w") as archive:
        for file in sorted(wheel.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(wheel.parent))
    expected = code_hash_of(checkout / "lib")
    assert len(expected) == 16
    assert code_hash_of(wheel.parent) == expected
    assert code_hash_of(tmp_path / "code.zip") == expected


@pytest.mark.parametrize(
    "file", ["lib/stormlake/lake/runs.py", "jobs/radar/example.sql", "sql/radar/example.sql"]
)
def test_the_code_hash_changes_with_lib_jobs_and_sql(checkout: Path, file: str) -> None:
    before = code_hash_of(checkout / "lib")
    with (checkout / file).open("a") as changed:
        changed.write("\n-- changed" if file.endswith(".sql") else "\n# changed")
    assert code_hash_of(checkout / "lib") != before


def test_the_code_hash_does_not_see_caches_and_hidden_files(checkout: Path) -> None:
    before = code_hash_of(checkout / "lib")
    cache = checkout / "lib" / "stormlake" / "radar" / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / "gridding.nbi").write_bytes(b"numba's")
    (checkout / "sql" / ".DS_Store").write_bytes(b"a Mac's")
    assert code_hash_of(checkout / "lib") == before


def test_a_lock_hash_is_that_of_the_file_or_of_what_is_installed(tmp_path: Path) -> None:
    lock = tmp_path / "spark-4.0.lock"
    lock.write_bytes(b"numpy==2.4.6\n")
    assert lock_hash(lock) == hashlib.sha256(b"numpy==2.4.6\n").hexdigest()[:16]
    assert len(lock_hash()) == 16
    assert lock_hash() == lock_hash()


def test_the_lock_hash_does_not_change_when_a_library_leads_sys_path_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lock_hash()
    vendored = tmp_path / "vendored-1.0.dist-info"
    vendored.mkdir()
    (vendored / "METADATA").write_text("Metadata-Version: 2.1\nName: vendored\nVersion: 1.0\n")

    monkeypatch.syspath_prepend(str(tmp_path))

    assert lock_hash() == before
