"""Steps of the stand-in for EMR run for real: from an archive, with their logs, until cancelled."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import textwrap
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.emr.conftest import waiting_cluster
from tests.fakes.emr import FakeAws
from tests.fakes.emr.spark import SparkRunner
from tests.fakes.s3 import S3Server, s3_server
from tests.integration.cluster import standalone_cluster, until
from tests.integration.runs import MARK, marked

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]

BUCKET = "emr-runs"
PATIENCE = 400.0

SHORT_LIVED = {
    "spark.ui.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
}
"""The cluster's defaults: each step has three JVMs that live for seconds."""

JOB = """
    import json, os, sys, time
    import shipped_code, shipped_dependency
    from pyspark.sql import SparkSession

    if sys.argv[1] == "fail":
        raise ValueError("this job fails")
    if sys.argv[1] == "sleep":
        print("asleep", flush=True)
        time.sleep(600)

    def where(_):
        import shipped_code, shipped_dependency
        return [sys.executable, shipped_dependency.NAME, shipped_code.NAME,
                open("note.txt").read(), os.environ["AWS_ENDPOINT_URL"]]

    spark = SparkSession.builder.appName("probe").getOrCreate()
    rows = spark.sparkContext.parallelize(range(2), 2).map(where).collect()
    print(json.dumps({"arguments": sys.argv[1:], "driver": sys.executable, "rows": rows,
                      "folder": sorted(os.listdir(".")), "setting": spark.conf.get("spark.probe")}))
    spark.range(10).write.mode("overwrite").parquet("s3://%(bucket)s/out")
    assert spark.read.parquet("s3://%(bucket)s/out").count() == 10
    print("awake", flush=True)
    if sys.argv[1] == "stay":
        spark.sparkContext.parallelize(range(2), 2).map(lambda _: time.sleep(600)).count()
"""


def packed(**members: str) -> bytes:
    """A dependency archive of the spec's form: a venv by hand, `members` in its site-packages."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        python = tarfile.TarInfo("bin/python")
        python.type, python.linkname = tarfile.SYMTYPE, "/usr/bin/python3.11"
        tar.addfile(python)
        texts = {
            "pyvenv.cfg": "home = /usr/bin\ninclude-system-site-packages = false\n",
            **{f"lib/python3.11/site-packages/{name}.py": text for name, text in members.items()},
        }
        for path, text in texts.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeAws]:
    folder = tmp_path_factory.mktemp("cluster")
    with s3_server() as s3, standalone_cluster(folder, own_path=False) as cluster:
        seed(s3)
        with FakeAws(s3, SparkRunner(cluster.url, s3, folder, SHORT_LIVED)) as fake:
            fake.logs.every = 1
            yield fake


def seed(s3: S3Server) -> None:
    s3.seed(
        BUCKET,
        {
            "deps.tar.gz": packed(shipped_dependency='NAME = "from the archive"'),
            "code.zip": zipped(shipped_code='NAME = "from the zip"'),
            "job.py": textwrap.dedent(JOB % {"bucket": BUCKET}).encode(),
            "files/note.txt": b"from the file",
        },
    )


def submit(
    fake: FakeAws, cluster: str, *arguments: str, job: str = "job.py", **settings: str
) -> str:
    conf = {
        "spark.archives": f"s3://{BUCKET}/deps.tar.gz#environment",
        "spark.submit.pyFiles": f"s3://{BUCKET}/code.zip",
        "spark.executorEnv.PYSPARK_PYTHON": "./environment/bin/python",
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": "./environment/bin/python",
        "spark.probe": "a b",
        "spark.yarn.maxAppAttempts": "1",
    } | settings
    words = ["spark-submit", "--master", "yarn", "--deploy-mode", "cluster"]
    for key, value in conf.items():
        words += ["--conf", f"{key}={value}"]
    words += ["--files", f"s3://{BUCKET}/files/note.txt", f"s3://{BUCKET}/{job}", *arguments]
    answer = fake.client("emr").add_job_flow_steps(
        JobFlowId=cluster,
        Steps=[
            {
                "Name": "probe",
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {"Jar": "command-runner.jar", "Args": words},
            }
        ],
    )
    return str(answer["StepIds"][0])


def status(fake: FakeAws, cluster: str, step: str) -> dict[str, Any]:
    answer = fake.client("emr").describe_step(ClusterId=cluster, StepId=step)
    return dict(answer["Step"]["Status"])


def wait(fake: FakeAws, cluster: str, step: str) -> dict[str, Any]:
    over = ("COMPLETED", "FAILED", "CANCELLED")

    def ended() -> bool:
        time.sleep(0.5)
        return status(fake, cluster, step)["State"] in over

    until(ended, f"{step} ends", PATIENCE)
    return status(fake, cluster, step)


def logs(fake: FakeAws, cluster: str) -> dict[str, str]:
    """What lies below the cluster's folder, by the path's last parts: `container.../stdout`."""
    found = {}
    for one in fake.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"logs/{cluster}/").get(
        "Contents", []
    ):
        body = fake.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read()
        kind, name = one["Key"].split("/")[2], one["Key"].split("/")[-1]
        found[f"{kind}/{name.removesuffix('.gz')}"] = gzip.decompress(body).decode()
    return found


def processes(fake: FakeAws) -> list[psutil.Process]:
    assert isinstance(fake.runner, SparkRunner)
    return list(marked(fake.runner.tasks[-1].environment[MARK]))


def test_a_step_runs_with_what_it_ships_and_nothing_else(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake, LogUri=f"s3://{BUCKET}/logs")
    step = submit(fake, cluster, "go", "", "two words", '{"a": {}}')
    assert wait(fake, cluster, step)["State"] == "COMPLETED", logs(fake, cluster)
    texts = logs(fake, cluster)
    told = json.loads(texts["containers/stdout"].splitlines()[0])
    assert told["arguments"] == ["go", "two words", '{"a": {']
    assert told["setting"] == "a b"
    assert told["driver"].endswith("/container-attempt-1/environment/bin/python")
    assert told["folder"] == ["code.zip", "environment", "job.py", "note.txt"]
    for python, *rest in told["rows"]:
        assert "/work-" in python and python.endswith("/environment/bin/python")
        assert rest == ["from the archive", "from the zip", "from the file", fake.endpoint_url]
    assert "Submitted application application_" in texts["steps/stderr"]
    assert "SparkContext: Running Spark version" in texts["containers/stderr"]
    assert not processes(fake)


def test_a_failing_driver_is_tried_again_and_leaves_its_tracebacks(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake, LogUri=f"s3://{BUCKET}/logs")
    step = submit(fake, cluster, "fail", **{"spark.yarn.maxAppAttempts": "2"})
    assert wait(fake, cluster, step)["State"] == "FAILED"
    found = fake.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"logs/{cluster}/containers/")
    keys = [one["Key"] for one in found["Contents"]]
    assert [key.split("_")[-2] for key in keys] == ["01", "01", "02", "02"]
    texts = logs(fake, cluster)
    # Spark's own PythonRunner merges the two streams of a driver's Python into stdout.
    assert "ValueError: this job fails" in texts["containers/stdout"]
    assert "User application exited with status 1\n" in texts["steps/stderr"]
    assert "ended with exit code 1" in texts["steps/controller"]
    assert not processes(fake)


def test_what_is_not_there_fails_the_step_before_a_driver(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake, LogUri=f"s3://{BUCKET}/logs")
    step = submit(fake, cluster, "go", job="absent.py")
    assert wait(fake, cluster, step)["State"] == "FAILED"
    texts = logs(fake, cluster)
    assert f"No such file: s3://{BUCKET}/absent.py" in texts["steps/stderr"]
    assert set(texts) == {f"steps/{name}" for name in ("controller", "stderr", "stdout", "syslog")}


@pytest.mark.parametrize(
    ("option", "argument", "said"),
    [("SEND_INTERRUPT", "stay", "awake"), ("TERMINATE_PROCESS", "sleep", "asleep")],
)
def test_a_cancelled_step_shows_its_logs_before_and_leaves_no_process(
    fake: FakeAws, option: str, argument: str, said: str
) -> None:
    cluster = waiting_cluster(fake, LogUri=f"s3://{BUCKET}/logs")
    step = submit(fake, cluster, argument)

    def driver_told() -> bool:
        time.sleep(0.5)
        fake.tick()
        return said in logs(fake, cluster).get("containers/stdout", "")

    until(driver_told, "the driver's output is in S3", PATIENCE)
    assert status(fake, cluster, step)["State"] == "RUNNING"
    fake.client("emr").cancel_steps(
        ClusterId=cluster, StepIds=[step], StepCancellationOption=option
    )
    assert wait(fake, cluster, step)["State"] == "CANCELLED"
    assert not processes(fake)
