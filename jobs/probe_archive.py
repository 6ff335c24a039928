"""Look at an archive of dependencies from where it is used: a driver and Spark's executors.

`stormlake emr package` runs it on a cluster of this machine; on a real one it says the same:

    spark-submit --archives deps.tar.gz#environment --py-files stormlake.zip --files KATX… \
        probe_archive.py KATX…

Prints one JSON object: what the driver sees, and what each executor that answered sees.
"""

from __future__ import annotations

import importlib
import json
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import click
from pyspark import SparkFiles

from stormlake.radar.isolation import DecoderProcess
from stormlake.radar.profiles import LAKE
from stormlake.spark import start_session

IMPORTS = ("recast_radar", "numba", "pyarrow", "isal.isal_zlib", "boto3", "matplotlib")
"""What the jobs stand on; each has compiled parts, or chooses by what is installed."""


@click.command()
@click.argument("volume")
@click.option("--pyart", is_flag=True, help="Import Py-ART too, which takes seconds.")
def main(volume: str, pyart: bool) -> None:
    """Decode VOLUME, a file passed with --files, on an executor, and tell what it runs on."""
    wanted = [*IMPORTS, *(["pyart"] if pyart else [])]
    spark = start_session("stormlake probe-archive")
    try:
        tasks = spark.sparkContext.defaultParallelism
        rows = spark.sparkContext.parallelize(range(tasks), tasks)
        executors = rows.map(lambda _: look(wanted, volume)).collect()
    finally:
        spark.stop()
    click.echo(json.dumps({"driver": look(wanted), "executors": executors}))


def look(wanted: list[str], volume: str | None = None) -> dict[str, Any]:
    """What this process runs on.

    Parameters
    ----------
    wanted : list of str
        Modules that must be importable.
    volume : str, optional
        Name of a file passed with `--files`, to be decoded in the decoder's own process.
    """
    for name in wanted:
        importlib.import_module(name)
    seen: dict[str, Any] = {
        "executable": sys.executable,
        "python": ".".join(map(str, sys.version_info[:3])),
        "spark": importlib.import_module("pyspark").__version__,
        "pyspark_file": importlib.import_module("pyspark").__file__,
        "stormlake_file": importlib.import_module("stormlake").__file__,
        "packages": {each.name: each.version for each in metadata.distributions(path=sys.path)},
    }
    if volume is not None:
        data = Path(SparkFiles.get(volume)).read_bytes()
        with DecoderProcess(LAKE) as decoder:
            result = decoder.process(data, volume)
        seen["volume"] = {
            "status": str(result.status),
            "why": f"{result.reason}: {result.detail}",
            "gates_kept": result.gates_kept,
        }
    return seen


if __name__ == "__main__":
    main(prog_name="probe_archive.py")
