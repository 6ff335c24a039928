"""The jars by which Spark reaches the S3 server of the tests; `make setup-s3` fetches them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stormlake.errors import RefusedInput
from stormlake.s3_jars import find_s3_jars, jar_folder, jar_name, runtime_of_spark


def s3_class_path() -> dict[str, str]:
    """Environment of a JVM that starts before it is known whether it will meet S3; without the
    jars, none.
    """
    import pyspark

    assert pyspark.__file__ is not None
    runtime = runtime_of_spark(Path(pyspark.__file__).parent)
    try:
        jars = find_s3_jars(runtime)
    except RefusedInput:
        return {}
    committers = jar_folder() / jar_name(runtime.committer_jar)
    return {"SPARK_DIST_CLASSPATH": os.pathsep.join(map(str, (*jars, committers)))}


def need_s3_jars() -> None:
    """Skip the test where the jars are missing, except in CI, where they must be there."""
    if not s3_class_path() and not os.environ.get("CI"):
        pytest.skip("Spark cannot reach S3 here; make setup-s3 fetches what it needs")
