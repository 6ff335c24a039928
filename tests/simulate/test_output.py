"""Where simulated objects go: whole files of a folder, objects of a bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from stormlake.archive.s3 import Patience, make_client, make_session
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.simulate.output import BucketOutput, open_output


def no_client() -> NoReturn:
    raise AssertionError("a folder needs no client")


def test_a_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = open_output(str(tmp_path), no_client)
    output.put("2026/05/01/21/a", b"old")
    assert oct((tmp_path / "2026/05/01/21/a").stat().st_mode)[-3:] == "644"

    def full(*args: Any) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        output.put("2026/05/01/21/a", b"new")
    assert [path.name for path in (tmp_path / "2026/05/01/21").iterdir()] == ["a"]
    assert (tmp_path / "2026/05/01/21/a").read_bytes() == b"old"


def test_an_output_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(RefusedInput, match="is no folder"):
        open_output(str(tmp_path / "notes"), no_client)


@pytest.mark.parametrize("uri", ["", "s3://", "s3:///a", "ftp://host/a"])
def test_what_is_neither_a_bucket_nor_a_folder_is_refused(uri: str) -> None:
    with pytest.raises(RefusedInput, match="--out"):
        open_output(uri, no_client)


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("s3://b", "s3://b/_planted.json"),
        ("s3://b/", "s3://b/_planted.json"),
        ("s3://b/a/c/", "s3://b/a/c/_planted.json"),
    ],
)
def test_a_prefix_ends_in_one_slash(uri: str, place: str) -> None:
    output = open_output(uri, lambda: None)
    assert isinstance(output, BucketOutput)
    assert output.place("_planted.json") == place


class Refusing:
    """A client whose every put is answered with one error."""

    class meta:  # noqa: N801
        endpoint_url = "http://s3.test"

    def __init__(self, code: str, status: int) -> None:
        self.answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def put_object(self, **given: Any) -> NoReturn:
        raise ClientError(self.answer, "PutObject")


@pytest.mark.parametrize(
    ("code", "status", "error", "words"),
    [
        ("NoSuchBucket", 404, RefusedInput, "there is no bucket 'b' at http://s3.test; create it"),
        ("AccessDenied", 403, RefusedInput, "s3://b/a/key cannot be written: .*AccessDenied"),
        ("InternalError", 500, ServiceUnreachable, "kept answering InternalError for s3://b/a/key"),
        ("SlowDown", 503, ServiceUnreachable, "kept answering SlowDown"),
    ],
)
def test_what_s3_answers_becomes_a_message_to_act_on(
    code: str, status: int, error: type[StormlakeError], words: str
) -> None:
    with pytest.raises(error, match=words):
        open_output("s3://b/a", lambda: Refusing(code, status)).put("key", b"")


def test_a_server_that_does_not_answer_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    client = make_client(
        make_session("us-east-1", None),
        endpoint_url="http://127.0.0.1:9",
        unsigned=False,
        patience=Patience(attempts=1, connect_timeout=2),
    )
    with pytest.raises(
        ServiceUnreachable, match=r"no answer from http://127\.0\.0\.1:9 for s3://b/"
    ):
        open_output("s3://b", lambda: client).put("key", b"")
