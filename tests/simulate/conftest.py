"""One simulated storm for all tests: three volumes of KTLX, seed 7."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stormlake.simulate.radar import simulate_storm

START = datetime(2026, 5, 1, 23, 52, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Simulated:
    """Files, keys and truth of a simulated run."""

    root: Path
    paths: list[Path]
    truth: dict[str, Any]


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    root = tmp_path_factory.mktemp("storm")
    paths = simulate_storm("KTLX", START, 3, 7, root)
    return Simulated(root, paths, json.loads((root / "_truth.json").read_text()))
