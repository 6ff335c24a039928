"""The real archive, run as a cluster runs it: from itself and the code's zip, and nothing else."""

from __future__ import annotations

import tarfile
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import pytest

from stormlake.emr.locks import check_lock
from stormlake.emr.probe import VOLUME, Verified
from stormlake.radar.process import process_volume
from stormlake.radar.profiles import LAKE
from stormlake.simulate.samples import copy_samples
from tests.integration.packaged import Packaged

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]


# To build it takes a minute and to try it two, on two cores that have nothing else to do.
@pytest.mark.timeout(1500)
def test_a_probe_and_ingest_radar_run_from_the_archive_alone(
    packaged: Packaged, tmp_path: Path
) -> None:
    (volume,) = (path for path in copy_samples(tmp_path) if path.name == VOLUME)
    here = process_volume(volume.read_bytes(), VOLUME, LAKE)
    assert here.cells is not None and here.products is not None
    geometry = LAKE.grid.shape[1] * LAKE.grid.shape[2]

    seen = packaged.seen
    assert seen["python"].startswith("3.11.")
    assert seen == asdict(
        Verified(
            python=seen["python"],
            spark=metadata.version("pyspark"),
            packages=len(check_lock(packaged.lock, "")),
            gates_kept=here.gates_kept or 0,
            rows=1 + geometry + len(here.cells.level) + len(here.products.iy),
        )
    )
    assert not list(packaged.path.parent.glob("_verifying-*"))


def test_the_archive_holds_no_spark_no_tests_and_no_compiled_python(packaged: Packaged) -> None:
    with tarfile.open(packaged.path) as tar:
        names = tar.getnames()
    packages = {name.split("/")[3] for name in names if name.startswith("lib/")}
    assert {"recast_radar", "numba", "pyarrow", "pyart", "boto3", "isal"} <= packages
    assert not {"pyspark", "py4j", "pip", "stormlake"} & packages
    folders = {part for name in names for part in name.split("/")[:-1]}
    assert not {"tests", "__pycache__"} & folders
    assert not [name for name in names if name.endswith(".pyc")]
    assert packaged.path.stat().st_size < 380_000_000
