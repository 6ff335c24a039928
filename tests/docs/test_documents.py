"""The README and the pages of docs/ work as written: their commands run, their links lead on."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stormlake.archive.s3 import DEFAULT_SOURCE
from stormlake.radar.profiles import load_profile
from stormlake.simulate.radar import simulate_storm
from tests.docs.blocks import PAGES, README, ROOT, Block, anchors, blocks, links
from tests.fakes.s3 import s3_server

# test_worked_example.py follows this page, in a tree that it may change.
WORKED_EXAMPLE = ROOT / "docs" / "aggregations.md"
# The README makes the lake that the other pages query.
RUN = [block for page in PAGES if page != WORKED_EXAMPLE for block in blocks(page, "sh", "python")]
# Four runs of Spark in one block, on a machine that has other work too.
SECONDS = 600


@pytest.fixture(scope="module")
def public_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the station-day of the README under the public archive's name."""
    archive = tmp_path_factory.mktemp("public")
    start = dt.datetime(2016, 6, 1, 15, 0, 25, tzinfo=dt.UTC)
    volumes = simulate_storm("KLBB", start, 1, 1, archive)
    objects = {path.relative_to(archive).as_posix(): path.read_bytes() for path in volumes}
    with s3_server() as server:
        server.seed(DEFAULT_SOURCE.removeprefix("s3://"), objects, public=True)
        yield server.endpoint_url


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a reader has: the jobs, the SQL, and the environment that make setup made."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("jobs", "sql"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def terminal(checkout: Path, public_bucket: str) -> dict[str, str]:
    """The reader's environment: nobody's AWS account, and S3 is our server."""
    # Without the options of our tests' JVMs: a reader has the product's own.
    foreign = ("AWS_", "SPARK_", "PYSPARK", "JDK_JAVA_OPTIONS")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    return {
        **kept,
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": public_bucket,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }


@pytest.fixture(scope="module")
def outcomes(
    checkout: Path, terminal: dict[str, str]
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Every block, run in the order of the pages, as one reader would."""
    done = {}
    for block in RUN:
        runner = ["bash", "-euo", "pipefail", "-c"] if block.language == "sh" else ["python", "-c"]
        started = time.monotonic()
        done[block.name] = subprocess.run(
            [*runner, block.code],
            cwd=checkout,
            env=terminal,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        print(f"{block.name}: {time.monotonic() - started:.1f} s")  # pytest -rP shows it
    return done


@pytest.mark.spark
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("block", RUN, ids=lambda block: block.name)
def test_a_block_runs_as_written(block: Block, outcomes) -> None:
    done = outcomes[block.name]
    assert done.returncode == 0, f"{block.code}\n{done.stdout}\n{done.stderr}"


@pytest.mark.spark
@pytest.mark.timeout(1200)
def test_the_blocks_show_what_the_pages_say(outcomes, checkout: Path) -> None:
    shown = "\n".join(done.stdout for done in outcomes.values())
    # Both days: that of the storm and that of the public bucket.
    assert re.search(r"\| *KTLX\|2026-05-01\| +1\| +\d{3,}\.\d", shown)
    assert re.search(r"\| *KLBB\|2016-06-01\| +1\|", shown)
    assert "would read 1 volumes" in shown
    assert "rows     90" in shown  # level 5 of KATX
    # Four unicorns and three farms for an hour, an hour of minutes, six systems.
    written = dict(re.findall(r"^([a-z_]+) +(\d+) rows$", shown, re.MULTILINE))
    expected = {"unicorn_minutes": 240, "wind_max": 180, "events_per_minute": 60}
    assert {name: int(written[name]) for name in expected} == expected
    assert int(written["requests_by_os"]) == 6
    # The 17 gusts (and one calm that the score finds strange), the 19 low pulses that were planted.
    assert re.findall(r"^ +(\d+) alerts of (\w+)$", shown, re.MULTILINE)[:4] == [
        ("18", "score_over_threshold"),
        ("17", "speed_over_limit"),
        ("19", "score_high"),
        ("0", "score_low"),
    ]
    assert (checkout / "lake-series.png").read_bytes().startswith(b"\x89PNG")
    # The numbers that the README and the page of sensors show are those that are printed.
    for page in (README, ROOT / "docs" / "sensors.md"):
        (numbers,) = re.findall(r"^    (records .*)$", page.read_text(encoding="utf-8"), re.M)
        assert numbers in shown
    assert (checkout / "klbb.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.spark
@pytest.mark.timeout(1200)
def test_the_picture_of_the_readme_is_the_one_that_its_commands_draw(outcomes, checkout) -> None:
    from matplotlib import image

    committed = ROOT / "docs" / "images" / "storm.png"
    assert committed.stat().st_size < 300_000
    old, new = image.imread(committed), image.imread(checkout / "lake-map.png")
    assert old.shape == new.shape
    # Letters may be drawn a little differently elsewhere; the echo may not.
    assert (abs(old - new).max(axis=-1) > 0.1).mean() < 0.005


def test_the_pages_with_commands_are_among_those_that_are_run() -> None:
    assert {block.page for block in RUN} >= {"README", "query", "sensors", "troubleshoot"}


def test_the_commands_by_hand_are_those_of_make_run() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nrun: ")[2]
    recipe = recipe.partition("\n\n")[0].replace("$(BIN)/", "")
    for variable, folder in (("ARCHIVE", "build/archive"), ("SENSORS", "build/sensors")):
        recipe = recipe.replace(f"$({variable})", folder)
    made = [line.strip() for line in recipe.splitlines() if line.startswith("\tstormlake ")]
    radar, sensors, scores = blocks(README, "sh")[1:4]
    assert "\n".join(made) == f"{radar.code}{sensors.code}{scores.code}".rstrip()
    assert len(made) == 4 + 9 + 5


def test_the_public_bucket_is_asked_for_by_its_default_name() -> None:
    code = "".join(block.code for block in blocks(README, "sh"))
    assert re.search(r"ingest-radar --station KLBB(?!.*--source)", code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for target in links(page):
        assert "://" not in target, f"{target}: a page of ours should stand on its own"
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        assert file.is_relative_to(ROOT)
        assert not anchor or anchor in anchors(file), f"{page.name} links to {target}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page)}
        waiting += [t for t in targets if t.suffix == ".md" and t not in seen]
    assert seen == set(PAGES)


def test_the_profile_of_the_radar_page_can_be_used(tmp_path: Path) -> None:
    (block,) = blocks(ROOT / "docs" / "radar.md", "toml")
    (tmp_path / "near.toml").write_text(block.code)
    profile = load_profile(tmp_path / "near.toml")
    assert profile.name == "near"
    # "cells of 1 km out to 100 km", levels every 500 m.
    assert profile.grid.steps == (500.0, 1000.0, 1000.0)
    assert profile.grid.x[[0, -1]].tolist() == [-100_000.0, 100_000.0]
