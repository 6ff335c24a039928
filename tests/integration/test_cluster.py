"""A worker of a real standalone cluster is killed in mid-job: the rows stay the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.cluster import Cluster, standalone_cluster
from tests.integration.runs import (
    assert_nothing_dead,
    assert_same_lake,
    broken,
    records,
    start_job,
)

pytestmark = pytest.mark.spark


def _while_decoding(cluster: Cluster, lake: Path) -> bool:
    return bool(cluster.workers[0].decoders())


def _while_writing_the_grid(cluster: Cluster, lake: Path) -> bool:
    return any((lake / "radar_grid").glob(".spark-staging-*"))


@pytest.mark.parametrize(
    "moment",
    [pytest.param(_while_decoding, marks=pytest.mark.one_runtime), _while_writing_the_grid],
)
def test_a_worker_killed_in_mid_job_changes_no_row(
    archive: Path,
    clean: Path,
    coarse: Path,
    tmp_path: Path,
    moment: Callable[[Cluster, Path], bool],
) -> None:
    lake = tmp_path / "lake"
    # A second more per volume, so that there is a middle of the job to kill it in.
    with (
        standalone_cluster(tmp_path, env=broken(slow="1")) as cluster,
        start_job(
            *("--source", archive, "--lake", lake, "--profile", coarse),
            *("--master", cluster.url, "--output", "json"),
        ) as running,
    ):
        running.until(lambda: moment(cluster, lake), moment.__name__)
        assert cluster.workers[0].executors(), "there is an executor to lose"
        cluster.workers[0].kill()
        summary = running.finish().expect(0).summary
        assert len(cluster.workers[1].executors()) <= 1
        left = running.left_over()

    assert_same_lake(lake, clean)
    assert_nothing_dead(lake)
    assert [record["ok"] for record in records(lake)] == [True]
    assert not left, left
    # One volume costs about 0.3 s and a task's start 2 to 3 s; a lost unit would be off by 10.
    assert 1.0 < summary["core_seconds"] < 2 * summary["wall_seconds"] + 10
