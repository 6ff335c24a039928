"""The generated pages are those of the code, and the written ones use its words."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stormlake.cli import main
from stormlake.errors import ExitCode
from stormlake.radar.outcomes import Reason, Status
from stormlake.radar.profiles import LAKE, NOTEBOOK
from stormlake.reference import commands, reference_page
from stormlake.running.sensor_options import SensorOptions
from stormlake.sensors import outcomes
from tests.docs.blocks import ROOT

DOCS = ROOT / "docs"


def test_the_page_of_options_is_not_stale() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "stormlake.reference"], capture_output=True, text=True, check=True
    ).stdout
    assert (DOCS / "options.md").read_text(encoding="utf-8") == made, (
        "docs/options.md is stale: python -m stormlake.reference > docs/options.md"
    )


def test_every_command_of_the_help_is_on_the_page() -> None:
    names = {name for name, _ in commands()}
    listed = CliRunner().invoke(main, ["--help"]).output
    top = set(re.findall(r"^  ([a-z-]+)  ", listed.partition("Commands:")[2], re.MULTILINE))
    assert {name.split()[1] for name in names} == top
    assert "stormlake simulate radar" in names


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_option_has_a_help_text_and_stands_on_the_page(name: str) -> None:
    command: click.Command = main
    for word in name.split()[1:]:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None
        command = found
    page = reference_page()
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert f"| `{option.opts[0]}" in page


def test_every_exit_code_is_explained() -> None:
    codes = re.findall(r"^\| (\d+) \| \S", reference_page(), re.MULTILINE)
    assert [int(code) for code in codes] == [int(code) for code in ExitCode]


@pytest.mark.parametrize(
    "arguments",
    [
        ["samples", "--out", "made"],
        ["simulate", "radar", "--station", "KTLX", "--start", "2026-05-01", "--out", "made"],
        ["export-csv", "--source", "volume", "--out", "made"],
        ["show", "--lake", "lake", "--station", "KTLX", "--out", "made"],
        ["aggregate", "wind_max", "--source", "volume", "--lake", "made"],
        ["query", "unicorn_distance_total", "--source", "volume"],
        ["ddl", "--engine", "hive", "--all", "--out", "made"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_dry_run_says_what_it_would_do_and_makes_nothing(arguments: list[str]) -> None:
    runner = CliRunner()
    with runner.isolated_filesystem():
        Path("volume").write_bytes(b"")
        done = runner.invoke(main, [*arguments, "--dry-run"])
        assert done.exit_code == 0, done.output
        assert done.output.startswith("would ")
        assert [path.name for path in Path().iterdir()] == ["volume"]


def test_the_ingest_page_explains_every_reason_under_its_status() -> None:
    text = (DOCS / "ingest.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `(\w+)` \| (?:`(\w+)` )?\|", text, re.MULTILINE)
    assert {status for status, _ in found} == {str(status) for status in Status}
    assert {reason for _, reason in found} - {""} == {str(reason) for reason in Reason}
    # The only reason that two statuses have.
    assert len(found) - 1 == len(Reason) + 1


def test_the_sensor_pages_explain_every_reason() -> None:
    pages = {page: (DOCS / page).read_text(encoding="utf-8") for page in ("sensors.md", "logs.md")}
    rows = {
        page: re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text.partition("## Rejects")[2], re.M)
        for page, text in pages.items()
    }
    told = {page: re.findall(r"`(\w+)`", " ".join(found)) for page, found in rows.items()}
    reasons = [str(reason) for reason in outcomes.Reason]
    assert told["sensors.md"][: len(reasons)] == reasons
    assert set(told["logs.md"]) < set(reasons)


def test_the_sensor_page_names_the_defaults_of_the_reader() -> None:
    text = (DOCS / "sensors.md").read_text(encoding="utf-8")
    command = main.get_command(click.Context(main), "aggregate")
    assert command is not None
    defaults = {option.name: option.default for option in command.params}
    assert {field.name for field in fields(SensorOptions)} <= defaults.keys()
    for name in ("early", "late", "max_record_mb", "max_reject_share"):
        assert f"`--{name.replace('_', '-')}` ({defaults[name]})" in text


def test_the_radar_page_has_the_built_in_profiles() -> None:
    text = (DOCS / "radar.md").read_text(encoding="utf-8")
    for profile in (LAKE, NOTEBOOK):
        assert " x ".join(map(str, profile.grid.shape)) in text
    for number in ("20 dBZ", "±2.3 dB", "0.95"):
        assert number in text
    assert (
        LAKE.min_reflectivity,
        LAKE.max_abs_differential_reflectivity,
        LAKE.min_cross_correlation_ratio,
    ) == (20.0, 2.3, 0.95)


def test_the_messages_of_the_troubleshooting_page_are_in_the_code() -> None:
    code = " ".join(
        re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
        for part in ("lib", "jobs")
        for path in (ROOT / part).rglob("*.py")
    )
    text = (DOCS / "troubleshoot.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?) \| ", text.partition("\n## ")[0], re.MULTILINE)
    assert len(rows) > 10
    for row in rows:
        if "spark-submit" in row:  # Spark's own message
            continue
        for message in re.findall(r"`([^`]+)`", row):
            # What differs from run to run is an ellipsis, a number or a value in quotes.
            for piece in re.split(r"…|'[^']*'|s3://|\d+", message):
                words = piece.strip(" ,.:")
                assert not words or words in code, f"{words!r} is said nowhere"
