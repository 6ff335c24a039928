"""Put an artifact where its key says, once: what is there already is left alone."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from stormlake.emr.artifacts import ArtifactPlace
from stormlake.errors import RefusedInput, StormlakeError
from stormlake.running.aws import ApiCall, Aws, CallFailed

THERE: Final = "PreconditionFailed"
"""S3's answer to `If-None-Match: *` for a key that exists (412)."""

MEANWHILE: Final = "ConditionalRequestConflict"
"""S3's answer when another write of that key is just being completed (409)."""

TRIES: Final = 3
"""Of a write that meets another in its last moment; whoever wins, the object is the same."""

PART_BYTES: Final = 16 << 20
"""Of a multipart upload. One PUT takes 5 GiB at most; 10,000 parts of this size are 156 GiB."""

PARTS_AT_ONCE: Final = 4


def head_call(place: ArtifactPlace, key: str) -> ApiCall:
    """Ask whether an artifact is there."""
    return ApiCall("s3", "HeadObject", {"Bucket": place.bucket, "Key": place.full_key(key)})


def put_call(place: ArtifactPlace, key: str, content: bytes, *, shown: bool = False) -> ApiCall:
    """Write a small artifact unless it is there.

    Parameters
    ----------
    place : ArtifactPlace
    key : str
    content : bytes
    shown : bool
        For `--dry-run`: how long the body is, and not the body.
    """
    body: Any = f"<{len(content)} bytes>" if shown else content
    return ApiCall(
        "s3",
        "PutObject",
        {
            "Bucket": place.bucket,
            "Key": place.full_key(key),
            "Body": body,
            "ChecksumSHA256": _checksum(content),
            "IfNoneMatch": "*",
        },
    )


def is_there(aws: Aws, place: ArtifactPlace, key: str) -> bool:
    """Whether an artifact is there.

    Raises
    ------
    RefusedInput
        S3 does not let us look.
    AnswerLost
        No answer.
    """
    try:
        aws.make(head_call(place, key))
    except CallFailed as failure:
        # A HEAD has no body: the status is all that S3 tells.
        if failure.code in ("404", "NoSuchKey"):
            return False
        raise RefusedInput(
            f"{place.uri(key)} cannot be looked at: {failure}; it takes s3:GetObject and "
            "s3:ListBucket, and the bucket's region (--region)"
        ) from failure
    return True


def put_new(aws: Aws, place: ArtifactPlace, key: str, content: bytes) -> bool:
    """Write a small artifact unless it is there.

    Returns
    -------
    bool
        Whether it was written; False when it was there.

    Raises
    ------
    CallFailed
        S3 refused it for another reason.
    AnswerLost
        No answer.
    """
    return _unless_there(
        lambda: aws.make(put_call(place, key, content)), lambda: is_there(aws, place, key)
    )


def bucket_call(place: ArtifactPlace) -> ApiCall:
    """Ask whether the bucket is there and ours to use."""
    return ApiCall("s3", "HeadBucket", {"Bucket": place.bucket})


def check_bucket(aws: Aws, place: ArtifactPlace) -> None:
    """Refuse a bucket that is not there, before minutes are spent on what would go there.

    Raises
    ------
    RefusedInput
        There is no such bucket, or it is not ours.
    AnswerLost
        No answer.
    """
    try:
        aws.make(bucket_call(place))
    except CallFailed as failure:
        raise RefusedInput(
            f"bucket {place.bucket} cannot be used ({failure}): 404 means that there is none "
            "(stormlake emr deploy makes one), 403 that it is another's or that s3:ListBucket is "
            "missing"
        ) from failure


def large_calls(place: ArtifactPlace, key: str) -> list[ApiCall]:
    """Calls of `put_new_file`, with placeholders for what only their answers tell."""
    whole = {"Bucket": place.bucket, "Key": place.full_key(key)}
    one = {**whole, "UploadId": "<UploadId of the answer>"}
    digest = "<SHA-256 of the part>"
    return [
        ApiCall("s3", "CreateMultipartUpload", {**whole, "ChecksumAlgorithm": "SHA256"}),
        ApiCall(
            "s3",
            "UploadPart",
            {
                **one,
                "PartNumber": f"<1 and so on, for each {PART_BYTES >> 20} MiB>",
                "Body": "<the part>",
                "ChecksumSHA256": digest,
            },
        ),
        ApiCall(
            "s3",
            "CompleteMultipartUpload",
            {
                **one,
                "MultipartUpload": {
                    "Parts": [{"PartNumber": 1, "ETag": "<ETag>", "ChecksumSHA256": digest}]
                },
                "IfNoneMatch": "*",
            },
        ),
    ]


def put_new_file(aws: Aws, place: ArtifactPlace, key: str, path: Path) -> bool:
    """Write a large artifact unless it is there, in parts.

    Nobody sees it before it is whole. An upload that fails or is interrupted is aborted, so that
    no parts are left to be paid for.

    Parameters
    ----------
    aws : Aws
    place : ArtifactPlace
    key : str
    path : Path
        The file; at most 10,000 parts.

    Returns
    -------
    bool
        Whether it was written; False when somebody else was first.

    Raises
    ------
    CallFailed
        S3 refused it.
    AnswerLost
        No answer.
    """
    return _unless_there(lambda: _upload(aws, place, key, path), lambda: is_there(aws, place, key))


def _unless_there(write: Callable[[], object], there: Callable[[], bool]) -> bool:
    """Make a write that S3 refuses where there is an object; gives whether it was made."""
    for tries_left in reversed(range(TRIES)):
        try:
            write()
            return True
        except CallFailed as failure:
            if failure.code == THERE:
                return False
            # Another write of the key was being completed; it may have failed all the same.
            if failure.code != MEANWHILE or not tries_left:
                raise
        if there():
            return False
    raise AssertionError("the last try returns or raises")


def _upload(aws: Aws, place: ArtifactPlace, key: str, path: Path) -> None:
    whole = {"Bucket": place.bucket, "Key": place.full_key(key)}
    begin = ApiCall("s3", "CreateMultipartUpload", {**whole, "ChecksumAlgorithm": "SHA256"})
    one = {**whole, "UploadId": aws.make(begin)["UploadId"]}

    def put(number: int) -> dict[str, Any]:
        with path.open("rb") as file:
            file.seek((number - 1) * PART_BYTES)
            content = file.read(PART_BYTES)
        part = {"PartNumber": number, "ChecksumSHA256": _checksum(content)}
        answer = aws.make(ApiCall("s3", "UploadPart", {**one, **part, "Body": content}))
        return {**part, "ETag": answer["ETag"]}

    try:
        aws.client("s3")  # made here: sessions are not for threads, clients are
        numbers = range(1, max(1, -(-path.stat().st_size // PART_BYTES)) + 1)
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            try:
                parts = list(pool.map(put, numbers))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        done = {**one, "MultipartUpload": {"Parts": parts}, "IfNoneMatch": "*"}
        aws.make(ApiCall("s3", "CompleteMultipartUpload", done))
    except BaseException:
        # What went wrong is the first thing to tell; the bucket's rule removes old parts too.
        with contextlib.suppress(StormlakeError):
            aws.make(ApiCall("s3", "AbortMultipartUpload", one))
        raise


def _checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
