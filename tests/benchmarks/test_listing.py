"""The listing benchmark lists what S3 would, through the job's own client."""

from __future__ import annotations

import datetime as dt

import pytest

from benchmarks import listing
from stormlake.archive.keys import ArchiveKey, parse_key


def test_every_key_of_the_simulated_bucket_comes_once_and_in_order_page_by_page() -> None:
    requests = listing.Requests(listing.Bucket(per_day=250))
    found = listing.list_all(requests.client, ["KLBB", "KATX"], days=2, page_size=100)
    assert requests.count == 2 * 2 * 3  # 100, 100 and 50 of each station-day
    assert len({obj.key for obj in found}) == len(found) == 1000
    # As the job lists: station, day, key; each a volume's.
    assert [obj.key for obj in found] == [
        obj.key for obj in sorted(found, key=lambda obj: (obj.station, obj.date, obj.key))
    ]
    for obj in found:
        parsed = parse_key(obj.key, obj.size)
        assert isinstance(parsed, ArchiveKey)
        assert parsed.key_time == obj.key_time
    assert {obj.date for obj in found} == {dt.date(2016, 6, 1), dt.date(2016, 6, 2)}
    assert sum(obj.size for obj in found) / len(found) == pytest.approx(4_000_000, rel=0.01)


def test_a_listing_reads_no_times_of_objects() -> None:
    requests = listing.Requests(listing.Bucket(per_day=3))
    sent = requests.bucket.answer("http://s3/archive?list-type=2&prefix=2016/06/01/KLBB/")
    assert sent.count(b"<LastModified>") == 3
    page = requests.client.list_objects_v2(Bucket="archive", Prefix="2016/06/01/KLBB/")
    assert [set(entry) for entry in page["Contents"]] == [
        {"Key", "ETag", "Size", "StorageClass"}
    ] * 3


def test_a_run_tells_what_each_step_takes() -> None:
    found = listing.measure(2, 3, 250, rows=True)
    assert (found["keys"], found["requests"]) == (1500, 6)
    assert list(found["stages"]) == ["list", "plan", "pack", "rows", "settle"]
    # 1 GB a station-day in tasks of at most 32 MiB.
    assert found["tasks"] == 2 * 3 * 30
    text = "\n".join(
        listing.lines(
            found | {"machine": {"cpu": "A", "cores": 2, "python": "3.11", "date": "2026-11-25"}}
        )
    )
    assert "1,500 keys, 6 requests of ListObjectsV2, 180 tasks" in text
