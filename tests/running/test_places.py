"""A lake is never put where the next run would list it as input."""

from __future__ import annotations

from pathlib import Path

import pytest

from stormlake.archive.source import open_source
from stormlake.errors import RefusedInput
from stormlake.lake.store import LocalStore
from stormlake.running.job import Lake, refuse_lake_in_source


def refusal(source: str, lake: str) -> str | None:
    """What the refusal says, None where there is none."""
    try:
        refuse_lake_in_source(open_source(source), Lake(lake, LocalStore(Path("unused"))))
    except RefusedInput as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("source", "lake"),
    [
        ("/data", "/data"),
        ("/data", "/data/lake"),
        ("/data", "file:///data/lake"),
        ("/data", "/data/x/../lake"),
        ("s3://bucket", "s3://bucket/lake"),
        ("s3://bucket/in", "s3://bucket/in/lake/"),
    ],
)
def test_a_lake_inside_its_source_is_refused(source: str, lake: str) -> None:
    said = refusal(source, lake)
    assert said is not None and said.endswith("put it beside the source")
    assert lake in said and source in said


@pytest.mark.parametrize(
    ("source", "lake"),
    [
        ("/data/in", "/data/lake"),
        ("/data/lake/in", "/data/lake"),
        ("s3://bucket/in", "s3://bucket/in2"),
        ("s3://bucket/in", "s3://other/in/lake"),
        ("s3://bucket/in", "/bucket/in"),
    ],
)
def test_a_lake_beside_its_source_is_taken(source: str, lake: str) -> None:
    assert refusal(source, lake) is None
