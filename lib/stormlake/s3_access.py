"""How Spark and Arrow reach the bucket of a lake: told what its boto3 session has found.

In a Spark session of our own that is Hadoop's S3A. A cluster (spark-submit) has an S3A of its own,
with its own credentials and committer; there we add nothing. Nor do we name a committer here:
FileOutputCommitter, the default, is the only one of stock Spark that takes a dynamic partition
overwrite.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stormlake.errors import RefusedInput
from stormlake.lake.s3_advice import NO_CREDENTIALS
from stormlake.s3_jars import find_s3_jars, runtime_of_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_S3A: Final = "org.apache.hadoop.fs.s3a"

_AWS: Final = re.compile(r"https://s3\.([a-z0-9-]+\.)?amazonaws\.com(\.cn)?$")
"""Endpoints that S3A finds by itself from the region."""

_OWN_CHAIN: Final = frozenset({"iam-role", "container-role"})
"""How botocore calls credentials that a machine or container gives; S3A renews these itself."""


@dataclass(frozen=True)
class S3Access:
    """Where a lake's bucket is reached, and as whom.

    Parameters
    ----------
    session : boto3.session.Session
        Gives the credentials.
    endpoint_url, region : str
        What the lake's own client uses.
    """

    session: Any
    endpoint_url: str
    region: str

    def settings(self, spark_home: Path) -> dict[str, str]:
        """Settings to start Spark with; nothing secret, since they are arguments of its JVM.

        Parameters
        ----------
        spark_home : Path
            Spark's folder, with `jars` in it.

        Raises
        ------
        RefusedInput
            The jars are not there, or there are no credentials.
        """
        find_credentials(self.session)
        jars = find_s3_jars(runtime_of_spark(spark_home))
        # What we add comes first in Java's class path, and the SDK's jar carries a Netty and an
        # SLF4J that would take the place of Spark's: so name Spark's own before, in its order.
        own = [*(spark_home / "jars").glob("slf4j-api-*.jar"), spark_home / "jars" / "*"]
        path = os.pathsep.join(map(str, [*own, *jars]))
        return {
            "spark.driver.extraClassPath": path,
            "spark.executor.extraClassPath": path,
        } | hadoop_settings(self.endpoint_url, self.region)

    def give_keys(self, spark: SparkSession) -> None:
        """Hand the credentials to a session that has started.

        They are set in the driver's Hadoop configuration, which goes to the tasks with each job:
        no argument of a process, no setting that Spark shows or logs.

        Raises
        ------
        RefusedInput
            There are none.
        """
        credentials = find_credentials(self.session)
        if credentials.method in _OWN_CHAIN:
            return
        keys = credentials.get_frozen_credentials()
        conf: Any = spark.sparkContext._jsc.hadoopConfiguration()
        conf.set("fs.s3a.access.key", keys.access_key)
        conf.set("fs.s3a.secret.key", keys.secret_key)
        kind = "Simple"
        if keys.token:
            conf.set("fs.s3a.session.token", keys.token)
            kind = "Temporary"
        conf.set("fs.s3a.aws.credentials.provider", f"{_S3A}.{kind}AWSCredentialsProvider")

    def arrow_files(self) -> Any:
        """Arrow's file system of the buckets, `pyarrow.fs.S3FileSystem`; its paths begin with one.

        Raises
        ------
        RefusedInput
            There are no credentials.
        """
        from pyarrow.fs import S3FileSystem

        keys = find_credentials(self.session).get_frozen_credentials()
        elsewhere = {}
        if not _AWS.match(self.endpoint_url):
            scheme, _, host = self.endpoint_url.partition("://")
            elsewhere = {"scheme": scheme, "endpoint_override": host}
        return S3FileSystem(
            access_key=keys.access_key,
            secret_key=keys.secret_key,
            session_token=keys.token,
            region=_region(self.region),
            **elsewhere,
        )


def hadoop_settings(endpoint_url: str, region: str) -> dict[str, str]:
    """Settings by which a Spark with hadoop-aws finds `s3://`; no class path, no keys.

    Parameters
    ----------
    endpoint_url : str
        AWS's own for the region, or any other server's, which gets the bucket in the path.
    region : str
    """
    settings = {"fs.s3.impl": f"{_S3A}.S3AFileSystem", "fs.s3a.endpoint.region": _region(region)}
    if not _AWS.match(endpoint_url):
        settings |= {
            "fs.s3a.endpoint": endpoint_url,
            "fs.s3a.path.style.access": "true",
            "fs.s3a.connection.ssl.enabled": str(endpoint_url.startswith("https://")).lower(),
        }
    return {f"spark.hadoop.{key}": value for key, value in settings.items()}


def find_credentials(session: Any) -> Any:
    """Credentials of a boto3 session.

    Raises
    ------
    RefusedInput
        There are none, or they cannot be had.
    """
    from botocore.exceptions import BotoCoreError

    try:
        found = session.get_credentials()
        if found is not None:
            found.get_frozen_credentials()  # a session token is fetched, or expired, here
            return found
    except BotoCoreError as error:
        raise RefusedInput(f"AWS credentials cannot be used: {error}") from error
    raise RefusedInput(NO_CREDENTIALS)


def _region(found: str) -> str:
    # botocore's word for S3 where nobody named a region.
    return "us-east-1" if found == "aws-global" else found
