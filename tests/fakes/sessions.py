"""boto3 sessions for tests, which read AWS's description of each service once."""

from __future__ import annotations

import functools
from typing import Any

import boto3
import botocore.session

from tests.fakes.s3 import CREDENTIALS


def fake_session(region: str) -> Any:
    """A session with the credentials that every stand-in takes."""
    core = botocore.session.Session()
    core.register_component("data_loader", _service_models())
    return boto3.session.Session(
        botocore_session=core,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=region,
    )


@functools.cache
def _service_models() -> Any:
    """botocore's reader of service models, which remembers them: reading one costs 0.3 s."""
    return botocore.session.Session().get_component("data_loader")
