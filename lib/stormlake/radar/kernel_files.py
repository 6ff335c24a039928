"""Where Numba keeps the compiled kernels of code that lies in a zip, as a cluster has it.

Numba itself would keep them below the user's home, which a YARN container's user (HOME is /home)
cannot write, and by the zip's path, which is another one for every application: each decoder would
compile for 9 core-seconds.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from numba.core.caching import ZipCacheLocator

LOCATORS: Final = (
    "stormlake.radar.kernel_files.KernelsOfZip,"
    "UserProvidedCacheLocator,InTreeCacheLocator,UserWideCacheLocator"
)
"""For NUMBA_CACHE_LOCATOR_CLASSES: ours first, then Numba's for code in files."""


class KernelsOfZip(ZipCacheLocator):
    """Below NUMBA_CACHE_DIR, by what is in the zip and not by where it lies."""

    def __init__(self, py_func: Callable[..., Any], py_file: str) -> None:
        super().__init__(py_func, py_file)  # type: ignore[no-untyped-call]  # of Numba
        folder = Path(os.environ["NUMBA_CACHE_DIR"], _digest(self._zip_path))
        self._cache_path = str((folder / self._internal_path).parent)

    @classmethod
    def from_function(cls, py_func: Callable[..., Any], py_file: str) -> KernelsOfZip | None:
        """Give a locator for code in a zip; None for any other, which Numba's own then find."""
        return cls(py_func, py_file) if ".zip" in py_file else None


@cache
def _digest(path: str) -> str:
    """Hash of the whole zip: a kernel is stale, too, when what it calls has changed."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
