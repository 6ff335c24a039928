"""Artifacts are written once, whole, and by one of two who come at the same time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stormlake.emr.artifacts import ArtifactPlace
from stormlake.emr.upload import PART_BYTES, check_bucket, is_there, put_new, put_new_file
from stormlake.errors import RefusedInput
from stormlake.running.aws import AnswerLost, Aws, CallFailed
from tests.fakes.emr import FakeAws
from tests.fakes.faults import LoseResponse, Rule, s3_error, slow_down

KEY = "artifacts/deps/some.tar.gz"


@pytest.fixture
def place(bucket: str) -> ArtifactPlace:
    return ArtifactPlace(bucket, "team")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A file of three parts, the last one short."""
    path = tmp_path / "some.tar.gz"
    path.write_bytes(os.urandom(1 << 20) * 32 + b"the end")
    assert path.stat().st_size == 2 * PART_BYTES + 7
    return path


def stored(fake: FakeAws, place: ArtifactPlace, key: str = KEY) -> bytes:
    body = fake.s3.get_object(Bucket=place.bucket, Key=f"team/{key}")["Body"].read()
    assert isinstance(body, bytes)
    return body


def unfinished(fake: FakeAws, place: ArtifactPlace) -> int:
    """Uploads whose parts somebody pays for."""
    return len(fake.s3.list_multipart_uploads(Bucket=place.bucket).get("Uploads", []))


def sent(fake: FakeAws, method: str, query: str = "") -> int:
    return sum(each.method == method and query in each.target for each in fake.requests)


def test_a_small_artifact_is_written_once_and_then_left_alone(
    fake: FakeAws, aws: Aws, place: ArtifactPlace
) -> None:
    assert not is_there(aws, place, "artifacts/x")
    assert put_new(aws, place, "artifacts/x", b"first")
    assert is_there(aws, place, "artifacts/x")
    assert not put_new(aws, place, "artifacts/x", b"second")
    assert stored(fake, place, "artifacts/x") == b"first"


def test_a_put_whose_answer_is_lost_is_there_after_the_clients_own_retry(
    fake: FakeAws, aws: Aws, place: ArtifactPlace
) -> None:
    fake.inject(Rule(LoseResponse(), method="PUT", path="artifacts/x", times=1))
    # S3 tells the retry that it is there already, and so it is.
    assert not put_new(aws, place, "artifacts/x", b"first")
    assert stored(fake, place, "artifacts/x") == b"first"


def test_a_small_artifact_that_meets_another_write_is_there_in_the_end(
    fake: FakeAws, aws: Aws, place: ArtifactPlace
) -> None:
    """Two clients that submit at once: S3 answers 409 to one of them, whoever wins."""
    conflict = s3_error(409, "ConditionalRequestConflict")
    fake.inject(Rule(conflict, method="PUT", path="artifacts/", times=2))
    assert put_new(aws, place, "artifacts/x", b"ours")
    assert stored(fake, place, "artifacts/x") == b"ours"
    fake.inject(Rule(conflict, method="PUT", path="artifacts/x", times=None))
    assert not put_new(aws, place, "artifacts/x", b"ours")
    with pytest.raises(CallFailed, match="ConditionalRequestConflict"):
        put_new(aws, place, "artifacts/x-never-there", b"ours")


def test_a_large_file_goes_up_in_parts_and_arrives_whole(
    fake: FakeAws, aws: Aws, place: ArtifactPlace, archive: Path
) -> None:
    assert put_new_file(aws, place, KEY, archive)
    assert stored(fake, place) == archive.read_bytes()
    assert sent(fake, "PUT", "partNumber") == 3
    assert unfinished(fake, place) == 0


def test_an_empty_file_is_one_empty_part(
    fake: FakeAws, aws: Aws, place: ArtifactPlace, tmp_path: Path
) -> None:
    (tmp_path / "empty").touch()
    assert put_new_file(aws, place, KEY, tmp_path / "empty")
    assert stored(fake, place) == b""


def test_of_two_uploads_the_later_one_leaves_the_earlier_ones_object(
    fake: FakeAws, aws: Aws, place: ArtifactPlace, archive: Path
) -> None:
    fake.s3.put_object(Bucket=place.bucket, Key=f"team/{KEY}", Body=b"somebody else's")
    assert not put_new_file(aws, place, KEY, archive)
    assert stored(fake, place) == b"somebody else's"
    assert unfinished(fake, place) == 0


def test_an_upload_that_meets_another_in_its_last_moment_begins_again(
    fake: FakeAws, aws: Aws, place: ArtifactPlace, archive: Path
) -> None:
    conflict = s3_error(409, "ConditionalRequestConflict")
    fake.inject(Rule(conflict, method="POST", path="uploadId", times=1))
    assert put_new_file(aws, place, KEY, archive)
    assert stored(fake, place) == archive.read_bytes()
    assert sent(fake, "PUT", "partNumber") == 6
    assert unfinished(fake, place) == 0


def test_an_upload_that_keeps_meeting_others_says_so(
    fake: FakeAws, aws: Aws, place: ArtifactPlace, archive: Path
) -> None:
    conflict = s3_error(409, "ConditionalRequestConflict")
    fake.inject(Rule(conflict, method="POST", path="uploadId", times=None))
    with pytest.raises(CallFailed, match="ConditionalRequestConflict"):
        put_new_file(aws, place, KEY, archive)
    assert unfinished(fake, place) == 0


@pytest.mark.parametrize("skip", range(3))
def test_a_part_that_is_refused_leaves_no_parts_and_no_object(
    fake: FakeAws, aws: Aws, place: ArtifactPlace, archive: Path, skip: int
) -> None:
    denied = s3_error(403, "AccessDenied")
    fake.inject(Rule(denied, method="PUT", path="partNumber", skip=skip, times=None))
    with pytest.raises(CallFailed, match="UploadPart: AccessDenied"):
        put_new_file(aws, place, KEY, archive)
    assert unfinished(fake, place) == 0
    assert not is_there(aws, place, KEY)


def test_throttled_parts_are_sent_again(
    fake: FakeAws, aws: Aws, place: ArtifactPlace, archive: Path
) -> None:
    fake.inject(Rule(slow_down(), method="PUT", path="partNumber", times=3))
    assert put_new_file(aws, place, KEY, archive)
    assert stored(fake, place) == archive.read_bytes()


def test_an_interrupted_upload_leaves_no_parts(
    fake: FakeAws,
    aws: Aws,
    place: ArtifactPlace,
    archive: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = Aws.make

    def interrupted(self, call, *, once=False):
        if call.operation == "CompleteMultipartUpload":
            raise KeyboardInterrupt
        return make(self, call, once=once)

    monkeypatch.setattr(Aws, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put_new_file(aws, place, KEY, archive)
    assert unfinished(fake, place) == 0


def test_a_bucket_that_is_not_there_or_not_ours_is_refused(
    fake: FakeAws, aws: Aws, place: ArtifactPlace
) -> None:
    check_bucket(aws, place)
    with pytest.raises(RefusedInput, match=r"bucket no-such-bucket cannot be used .*404"):
        check_bucket(aws, ArtifactPlace("no-such-bucket"))
    fake.inject(Rule(s3_error(403, "Forbidden"), method="HEAD", times=None))
    with pytest.raises(RefusedInput, match=r"cannot be used .*403"):
        check_bucket(aws, place)
    with pytest.raises(RefusedInput, match=r"cannot be looked at.*s3:GetObject"):
        is_there(aws, place, KEY)


def test_a_service_that_is_out_of_reach_is_no_absent_object(
    fake: FakeAws, aws: Aws, place: ArtifactPlace
) -> None:
    fake.inject(Rule(s3_error(500, "InternalError"), method="HEAD", times=None))
    with pytest.raises(AnswerLost):
        is_there(aws, place, KEY)
