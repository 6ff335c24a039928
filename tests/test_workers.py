"""What a Python worker of Spark does around a task costs the next one little."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path
from zipimport import zipimporter

import pytest

from stormlake.workers import spare_worker


def test_a_worker_forgets_archives_but_still_imports_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "modules.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("in_an_archive/__init__.py", "")
        file.writestr("in_an_archive/one.py", "found = 1")
        file.writestr("in_an_archive/two.py", "found = 2")
    monkeypatch.setattr(sys, "path", [*sys.path, str(archive)])
    monkeypatch.setattr(sys, "path_importer_cache", dict(sys.path_importer_cache))
    assert importlib.import_module("in_an_archive.one").found == 1
    # PySpark invalidates each of these before every task, and each reads its directory again.
    assert str(archive / "in_an_archive") in sys.path_importer_cache
    spare_worker()
    assert not any(isinstance(each, zipimporter) for each in sys.path_importer_cache.values())
    importlib.invalidate_caches()
    assert importlib.import_module("in_an_archive.two").found == 2
    for name in [name for name in sys.modules if name.startswith("in_an_archive")]:
        del sys.modules[name]
