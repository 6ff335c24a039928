"""The steps that we send to EMR, on a real YARN in cluster mode: `make test-yarn`, not in CI.

What a standalone cluster cannot show: YARN localises the archive, the code and the job's files from
`s3://` by itself, the driver is a container, its exit code is lost on the way, and cancelling the
step does not reach it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stormlake.s3_access import hadoop_settings
from tests.emr.conftest import waiting_cluster
from tests.fakes.emr import FakeAws
from tests.fakes.emr.spark import SIMPLE_CREDENTIALS
from tests.fakes.s3 import CREDENTIALS, S3Server, s3_server
from tests.integration.archives import PROFILE, small_volumes
from tests.integration.cluster import until
from tests.integration.runs import ROOT, Finished, assert_same_lake, test_environment
from tests.yarn.cluster import yarn_cluster
from tests.yarn.runner import YarnRunner

pytestmark = pytest.mark.timeout(1800)

BUCKET = "stormlake-yarn"
RELEASE = "emr-7.13.0"
REGION = "us-east-1"
PATIENCE = 300.0


@dataclass(frozen=True)
class Account:
    """A cluster of the stand-in whose steps run on YARN, and the bucket."""

    fake: FakeAws
    runner: YarnRunner
    s3: S3Server
    cluster: str

    def stormlake(self, *arguments: object) -> Finished:
        """Run the command line to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=1200)
        return Finished(process.returncode, out, err)

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "stormlake.cli", *map(str, arguments)],
            cwd=ROOT,
            env=test_environment(self.fake.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def radar(self, lake: str, *more: object) -> tuple[object, ...]:
        """`JOB -- ARGUMENTS` over the volumes of one station."""
        return (
            *("ingest-radar", "--cluster-id", self.cluster, "--"),
            *("--source", f"s3://{BUCKET}/archive", "--lake", f"s3://{BUCKET}/{lake}"),
            *("--station", "KBGM", "--start", "2005-08-22", "--end", "2005-08-23", *more),
        )

    def keys(self, prefix: str) -> list[str]:
        listed = self.fake.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [found["Key"] for found in listed.get("Contents", [])]

    def lake(self, name: str, folder: Path) -> Path:
        """Bring a lake of the bucket here."""
        for key in self.keys(f"{name}/"):
            if not key.endswith("/"):
                (folder / key).parent.mkdir(parents=True, exist_ok=True)
                self.fake.s3.download_file(BUCKET, key, str(folder / key))
        return folder / name


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("yarn")
    with s3_server() as s3:
        s3.seed(BUCKET, {f"archive/{key}": data for key, data in small_volumes().items()})
        containers = {**CREDENTIALS, "AWS_ENDPOINT_URL": s3.endpoint_url, "AWS_REGION": REGION}
        settings = {
            key.removeprefix("spark.hadoop."): value
            for key, value in hadoop_settings(s3.endpoint_url, REGION).items()
        } | {
            "fs.s3a.access.key": CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "fs.s3a.secret.key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            "fs.s3a.aws.credentials.provider": SIMPLE_CREDENTIALS,
        }
        with yarn_cluster(folder, settings, containers) as yarn:
            runner = YarnRunner(yarn)
            with FakeAws(s3, runner) as fake:
                fake.logs.every = 1
                cluster = waiting_cluster(fake, ReleaseLabel=RELEASE, LogUri=f"s3://{BUCKET}/logs/")
                found = Account(fake, runner, s3, cluster)
                found.stormlake(
                    *("emr", "package", "--no-verify", "--artifacts", f"s3://{BUCKET}")
                ).expect(0)
                yield found


def test_the_radar_job_gives_the_rows_of_this_machine(account: Account, tmp_path: Path) -> None:
    profile = tmp_path / "coarse.toml"
    profile.write_text(PROFILE)

    done = account.stormlake("emr", "run", *account.radar("lake", "--profile", profile)).expect(0)

    assert "ok 3," in done.stdout
    (driver,) = account.runner.tasks[-1].drivers(0.0)
    assert "3 ok" in driver["stdout"], "the driver's own container"
    local = account.stormlake(
        *("ingest-radar", "--source", f"s3://{BUCKET}/archive", "--lake", tmp_path / "local"),
        *("--station", "KBGM", "--start", "2005-08-22", "--end", "2005-08-23"),
        *("--profile", profile, "--master", "local[1]"),
    )
    local.expect(0)
    assert_same_lake(account.lake("lake", tmp_path), tmp_path / "local")


def test_a_run_over_its_reject_share_ends_with_3_and_runs_once(account: Account) -> None:
    account.fake.s3.put_object(
        Bucket=BUCKET, Key="archive/2005/08/22/KBGM/KBGM20050822_050000.gz", Body=b"no volume"
    )
    try:
        done = account.stormlake("emr", "run", *account.radar("rejects", "--profile", "notebook"))
    finally:
        account.fake.s3.delete_object(
            Bucket=BUCKET, Key="archive/2005/08/22/KBGM/KBGM20050822_050000.gz"
        )

    assert done.code == 3, done.stderr
    assert len(account.runner.tasks[-1].drivers(0.0)) == 1, "YARN would try it twice"


def test_a_cancelled_run_ends_though_its_driver_is_out_of_the_step_s_reach(
    account: Account,
) -> None:
    started = account.stormlake("emr", "submit", "--output", "json", *account.radar("cancelled"))
    ref = started.expect(0).summary["ref"]
    locks = "cancelled/_stormlake/locks/"
    until(lambda: bool(account.keys(locks)), "the driver holds its lock", PATIENCE)

    account.stormlake("emr", "cancel", ref, "--grace", "5").expect(0)

    driver = account.runner.tasks[-1]
    until(
        lambda: "lock lost" in driver.drivers(0.0)[0].get("stdout", ""),
        "the driver stops",
        PATIENCE,
    )
    assert not account.keys("cancelled/_stormlake/runs/"), "it wrote no record"
