"""The real volumes that the `arm-pyart` wheel carries, laid out as an archive to try."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Final

from stormlake.errors import RefusedInput

SAMPLES: Final = {
    # One cut of 120 rays: a wedge of 60 degrees of a volume of KATX.
    "example_nexrad_archive_msg31_compressed.ar2v": "KATX20130717_195021_V06",
    # The same volume whole, but its echo was blanked to -32 dBZ: a duplicate, and it is skipped.
    "example_nexrad_archive_msg31.bz2": "KATX20130717_195021_V06.bz2",
    # Message 1 carries no station: only a name in the archive's form tells that it is KLOT.
    "example_nexrad_archive_msg1.bz2": "KLOT20030101_000921.bz2",
}
"""File in `pyart/testing/data` -> name in the archive."""


def copy_samples(out: Path) -> list[Path]:
    """Copy the volumes to a folder.

    Parameters
    ----------
    out : Path
        Made when absent; files of the same name are replaced.

    Returns
    -------
    list of Path
        The copies.
    """
    # Without importing pyart, which takes four seconds.
    spec = importlib.util.find_spec("pyart")
    if spec is None or spec.origin is None:
        raise RefusedInput("arm-pyart is not installed; its wheel carries the sample volumes")
    folder = Path(spec.origin).parent / "testing" / "data"
    out.mkdir(parents=True, exist_ok=True)
    return [Path(shutil.copyfile(folder / name, out / copy)) for name, copy in SAMPLES.items()]
