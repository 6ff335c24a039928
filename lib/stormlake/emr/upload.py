"""Put an artifact where its key says, once: what is there already is left alone."""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Final

from stormlake.emr.artifacts import ArtifactPlace
from stormlake.emr.aws import ApiCall, Aws, CallFailed
from stormlake.errors import RefusedInput

THERE: Final = "PreconditionFailed"
"""S3's answer to `If-None-Match: *` for a key that exists (412)."""


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
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return ApiCall(
        "s3",
        "PutObject",
        {
            "Bucket": place.bucket,
            "Key": place.full_key(key),
            "Body": body,
            "ChecksumSHA256": digest,
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
    try:
        aws.make(put_call(place, key, content))
    except CallFailed as failure:
        if failure.code != THERE:
            raise
        return False
    return True
