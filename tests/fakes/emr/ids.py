"""Names as the services make them: random, so that tests which share a bucket do not meet."""

from __future__ import annotations

import secrets
import string

REGION = "us-east-1"
ACCOUNT = "123456789012"


def emr_id(prefix: str, length: int = 13) -> str:
    """An id such as `j-2AXXXXXXGAPLF`."""
    letters = string.ascii_uppercase + string.digits
    return prefix + "".join(secrets.choice(letters) for _ in range(length))


def serverless_id() -> str:
    """An id such as `00f9e1bs9k3v4k09`."""
    return "00" + emr_id("", 14).lower()
