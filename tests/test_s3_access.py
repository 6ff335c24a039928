"""What Spark is told of a bucket, and by which way the keys go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.credentials import Credentials

from stormlake.errors import RefusedInput
from stormlake.runtimes import RUNTIMES
from stormlake.s3_access import S3Access, hadoop_settings
from stormlake.s3_jars import jar_name

KEY, SECRET, TOKEN = "test-key-id", "test-secret", "test-token"


@pytest.fixture
def spark_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Spark with Hadoop 3.4.1, and its jars for S3 in the user's cache."""
    for name in ("hadoop-client-api-3.4.1.jar", "slf4j-api-2.0.16.jar"):
        (tmp_path / "spark" / "jars").mkdir(parents=True, exist_ok=True)
        (tmp_path / "spark" / "jars" / name).touch()
    (tmp_path / "cache").mkdir()
    for jar in RUNTIMES[1].s3_jars:
        (tmp_path / "cache" / jar_name(jar)).touch()
    monkeypatch.setenv("STORMLAKE_JARS", str(tmp_path / "cache"))
    return tmp_path / "spark"


def session(**keys: str) -> Any:
    return boto3.session.Session(KEY, SECRET, region_name="eu-west-1", **keys)


class _Spark:
    """As much of a session as keys are given to."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}
        self.sparkContext = self._jsc = self

    def hadoopConfiguration(self) -> _Spark:  # noqa: N802 Java's name
        return self

    def set(self, key: str, value: str) -> None:
        self.given[key] = value


def test_what_the_jvm_is_started_with_holds_no_key(spark_home: Path, tmp_path: Path) -> None:
    access = S3Access(session(aws_session_token=TOKEN), "http://127.0.0.1:5000", "eu-west-1")
    settings = access.settings(spark_home)
    assert settings == {
        "spark.driver.extraClassPath": ":".join(
            [
                f"{spark_home}/jars/slf4j-api-2.0.16.jar",
                f"{spark_home}/jars/*",
                f"{tmp_path}/cache/hadoop-aws-3.4.1.jar",
                f"{tmp_path}/cache/bundle-2.24.6.jar",
            ]
        ),
        "spark.executor.extraClassPath": settings["spark.driver.extraClassPath"],
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
        "spark.hadoop.fs.s3a.endpoint": "http://127.0.0.1:5000",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }


@pytest.mark.parametrize(
    ("endpoint", "region", "told"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "eu-west-1", {"region": "eu-west-1"}),
        ("https://s3.amazonaws.com", "aws-global", {"region": "us-east-1"}),
        ("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1", {"region": "cn-north-1"}),
        (
            "https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com",
            "us-east-1",
            {
                "region": "us-east-1",
                "endpoint": "https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com",
            },
        ),
    ],
)
def test_aws_itself_is_found_by_its_region_and_only_another_endpoint_is_named(
    endpoint: str, region: str, told: dict[str, str]
) -> None:
    settings = hadoop_settings(endpoint, region)
    assert settings["spark.hadoop.fs.s3a.endpoint.region"] == told["region"]
    assert settings.get("spark.hadoop.fs.s3a.endpoint") == told.get("endpoint")


@pytest.mark.parametrize(("token", "kind"), [(None, "Simple"), (TOKEN, "Temporary")])
def test_keys_go_to_the_driver_s_hadoop_configuration(token: str | None, kind: str) -> None:
    spark: Any = _Spark()
    given = {"aws_session_token": token} if token else {}
    S3Access(session(**given), "http://127.0.0.1:5000", "us-east-1").give_keys(spark)
    expected = {
        "fs.s3a.access.key": KEY,
        "fs.s3a.secret.key": SECRET,
        "fs.s3a.aws.credentials.provider": f"org.apache.hadoop.fs.s3a.{kind}AWSCredentialsProvider",
    }
    assert spark.given == expected | ({"fs.s3a.session.token": token} if token else {})


def test_keys_of_the_machine_s_own_role_are_left_to_s3a_which_renews_them() -> None:
    class OnAMachine:
        def get_credentials(self) -> Credentials:
            return Credentials(KEY, SECRET, TOKEN, method="iam-role")

    spark: Any = _Spark()
    S3Access(OnAMachine(), "https://s3.amazonaws.com", "us-east-1").give_keys(spark)
    assert spark.given == {}


def test_without_credentials_spark_is_not_even_started(spark_home: Path, nobody: Any) -> None:
    with pytest.raises(RefusedInput, match=r"there are no AWS credentials: .*--aws-profile"):
        S3Access(nobody, "https://s3.amazonaws.com", "us-east-1").settings(spark_home)
