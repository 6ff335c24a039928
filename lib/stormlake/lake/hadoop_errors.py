"""What Hadoop's S3A says in Java, in words that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.lake.s3_advice import (
    BAD_KEYS,
    EXPIRED,
    NO_ANSWER,
    NO_BUCKET,
    NO_RIGHT,
    OTHER_REGION,
)

_RULES: Final[tuple[tuple[str, type[StormlakeError], str], ...]] = (
    # The first that is found anywhere in the causes counts; causes of causes come first.
    (
        r"ExpiredToken|security token included in the request is expired",
        RefusedInput,
        EXPIRED,
    ),
    (
        r"UnknownStoreException|NoSuchBucket",
        RefusedInput,
        NO_BUCKET,
    ),
    (
        r"NoAuthWithAWSException|NoAwsCredentialsException|InvalidAccessKeyId|SignatureDoesNotMatch",
        RefusedInput,
        BAD_KEYS,
    ),
    (
        r"AccessDeniedException: (?:s3|/?[^ ]*: ).*(?:403|AccessDenied)|AccessDenied\b",
        RefusedInput,
        NO_RIGHT,
    ),
    (
        r"AWSRedirectException|PermanentRedirect",
        RefusedInput,
        OTHER_REGION,
    ),
    (
        r"AWSServiceThrottledException|AWSStatus500Exception|SlowDown|ServiceUnavailable",
        ServiceUnreachable,
        "S3 kept refusing for a while (throttling or a fault of its own): run again later",
    ),
    (
        r"java\.net\.(?:ConnectException|UnknownHostException|NoRouteToHostException)|"
        r"SocketTimeoutException|ConnectTimeoutException|AWSClientIOException|"
        r"SdkClientException|UnknownHostException|ApiCallTimeoutException",
        ServiceUnreachable,
        NO_ANSWER,
    ),
)


@contextmanager
def s3_errors(uri: str) -> Iterator[None]:
    """Raise S3A's errors as ours; all others, and those of other file systems, pass.

    Parameters
    ----------
    uri : str
        The lake, for the message.

    Raises
    ------
    RefusedInput
        No such bucket, no right, no valid credentials, another region.
    ServiceUnreachable
        No answer, or only refusals for longer than S3A tries.
    """
    try:
        yield
    except StormlakeError:
        raise
    except Exception as error:
        told = _told(str(error), uri) if uri.startswith(("s3://", "s3a://")) else None
        if told is None:
            raise
        raise told from error


def _told(text: str, uri: str) -> StormlakeError | None:
    # Executors put the causes into the text, the driver's own errors have them in the stack.
    if "s3a" not in text and "amazon" not in text:
        return None
    for pattern, kind, advice in _RULES:
        found = re.search(pattern, text)
        if found is not None:
            start = text.rfind("\n", 0, found.start()) + 1
            line = text[start:].partition("\n")[0].removeprefix("Caused by").lstrip(": ")
            return kind(f"{uri}: {advice}. S3A said: {line[:300]}")
    return None
