"""Where tests find real files: the shared folder beside the checkout, and the arm-pyart wheel."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def shared(*parts: str) -> Path:
    """Path of a shared real file; skips the test where the folder is absent, except in CI."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        message = f"real data not found: {path}; see PROVENANCE.md of the shared folder"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return path


def wheel_file(name: str) -> Path:
    """Path of a real volume that the arm-pyart wheel carries (without importing pyart)."""
    spec = importlib.util.find_spec("pyart")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "testing" / "data" / name
