"""Which settings a session of our own gets, by its master."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stormlake.spark import MEANING, own_settings


@pytest.mark.parametrize("master", ["local[*]", "local[2]", "spark://127.0.0.1:7077"])
def test_a_driver_with_executors_on_this_machine_listens_on_loopback(master: str) -> None:
    assert own_settings(master)["spark.driver.host"] == "127.0.0.1"
    assert own_settings(master)["spark.driver.bindAddress"] == "127.0.0.1"


@pytest.mark.parametrize("master", ["spark://spark.example:7077", "yarn"])
def test_a_driver_whose_executors_are_elsewhere_can_be_called_back(master: str) -> None:
    assert "spark.driver.host" not in own_settings(master)
    assert "spark.driver.bindAddress" not in own_settings(master)


def test_spark_s_own_variable_decides_about_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_DRIVER_MEMORY", raising=False)
    assert own_settings("local[2]")["spark.driver.memory"] == "2g"
    monkeypatch.setenv("SPARK_DRIVER_MEMORY", "6g")
    assert "spark.driver.memory" not in own_settings("local[2]")


def test_both_runtimes_get_the_settings_that_decide_what_rows_come_out() -> None:
    assert MEANING["spark.sql.ansi.enabled"] == "true"
    assert MEANING["spark.sql.session.timeZone"] == "UTC"
    assert MEANING["spark.sql.sources.partitionOverwriteMode"] == "dynamic"
    assert MEANING["spark.sql.parquet.outputTimestampType"] == "TIMESTAMP_MICROS"


@pytest.mark.spark
def test_spark_starts_from_a_folder_with_a_blank_in_its_name(tmp_path: Path) -> None:
    package = Path(__file__).resolve().parents[1] / "lib" / "stormlake"
    place = tmp_path / "my projects"
    place.mkdir()
    (place / "stormlake").symlink_to(package, target_is_directory=True)
    asked = (
        "from stormlake.spark import start_session, own_settings;"
        "print(own_settings('local[1]')['spark.driver.extraJavaOptions']);"
        "print(start_session('blank', 'local[1]').range(3).count())"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(place)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "my%20projects" in said
    assert said.splitlines()[-1] == "3"
