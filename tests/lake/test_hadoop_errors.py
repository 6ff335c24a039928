"""What S3A says, as it was heard on both runtimes, becomes a message that tells what to do."""

from __future__ import annotations

import pytest

from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.lake.hadoop_errors import s3_errors

LAKE = "s3://bucket/lake"
DRIVER = "An error occurred while calling o114.listStatus.\n: "
EXECUTOR = "Job aborted due to stage failure: Task 0 in stage 1.0 failed 1 times\nCaused by: "


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        (
            f"{DRIVER}org.apache.hadoop.fs.s3a.UnknownStoreException: `{LAKE}': listObjects() on "
            f"{LAKE}: software.amazon.awssdk.services.s3.model.NoSuchBucketException: The "
            "specified bucket does not exist (Service: S3, Status Code: 404)",
            RefusedInput,
            "there is no such bucket",
        ),
        (
            f"{EXECUTOR}java.nio.file.AccessDeniedException: lake/radar_grid/part-0.parquet: "
            "getFileStatus on s3a: software.amazon.awssdk.services.s3.model.S3Exception: Access "
            "Denied (Service: S3, Status Code: 403, Request ID: null):AccessDenied",
            RefusedInput,
            r"access denied: .*s3:ListBucket",
        ),
        (
            f"{DRIVER}org.apache.hadoop.fs.s3a.AWSBadRequestException: listObjects() on {LAKE}: "
            "software.amazon.awssdk.services.s3.model.S3Exception: The provided token has expired. "
            "(Service: S3, Status Code: 400, Request ID: null):ExpiredToken",
            RefusedInput,
            "credentials have expired: log in again",
        ),
        (
            f"{DRIVER}org.apache.hadoop.fs.s3a.AWSRedirectException: Received permanent redirect "
            "response to region null. (Service: S3, Status Code: 301, Request ID: null)",
            RefusedInput,
            "in another region: name it with --region",
        ),
        (
            f"{DRIVER}java.net.ConnectException: listObjects() on {LAKE}: "
            "software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP "
            "request: Connect to 127.0.0.1:9 [/127.0.0.1] failed: Connection refused",
            ServiceUnreachable,
            "S3 gives no answer: check the network",
        ),
        (
            f"{EXECUTOR}org.apache.hadoop.fs.s3a.AWSServiceThrottledException: PUT on {LAKE}: "
            "com.amazonaws.services.s3.model.AmazonS3Exception: Please reduce your request rate. "
            "(Service: Amazon S3; Status Code: 503; Error Code: SlowDown)",
            ServiceUnreachable,
            "S3 kept refusing for a while",
        ),
    ],
)
def test_a_failure_of_s3a_says_what_to_do_and_what_s3_said(
    said: str, kind: type[StormlakeError], advice: str
) -> None:
    told = rf"^s3://bucket/lake: .*{advice}.* S3A said: \w+"
    with pytest.raises(kind, match=told) as caught, s3_errors(LAKE):
        raise RuntimeError(said + "\n\tat org.apache.hadoop.fs.s3a.S3AUtils.translate(…)")
    assert "\n" not in str(caught.value)
    assert "An error occurred while calling" not in str(caught.value)


@pytest.mark.parametrize("lake", [LAKE, "/data/lake"])
def test_another_failure_and_our_own_pass_as_they_are(lake: str) -> None:
    for error in (
        ValueError("[CAST_INVALID_INPUT] The value 'x' cannot be cast"),
        RefusedInput("AccessDenied, said somebody else about s3a"),
    ):
        with pytest.raises(type(error)) as caught, s3_errors(lake):
            raise error
        assert caught.value is error


def test_a_folder_that_is_not_ours_is_no_matter_of_s3() -> None:
    error = RuntimeError("java.nio.file.AccessDeniedException: /data/s3a/lake 403")
    with pytest.raises(RuntimeError), s3_errors("file:///data/s3a/lake"):
        raise error
