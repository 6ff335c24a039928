"""The volumes that are measured: real ones of the shared folder, else those that anyone has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SHARED = (
    "KLBB20160601_150025_V06",  # 4.0 MB, split cuts, dual-pol: the one that ratios are quoted for
    "KLIX20050828_180149.gz",  # message 1, hurricane Katrina: the most cells
    "KTLX20140101_000624_V06.gz",  # hardly any echo: decode is all there is
    "KSRX20200805_154019_V06",  # 7.6 MB, SAILS: the largest
)
MAIN = SHARED[0]


@dataclass(frozen=True)
class Sample:
    """One volume: its archive name, its bytes, where they come from."""

    name: str
    data: bytes
    origin: str

    @property
    def short(self) -> str:
        """Station and day, for tables."""
        return self.name[:12]


def samples(data: Path, work: Path, quick: bool = False) -> tuple[list[Sample], str]:
    """Volumes to measure, the first one for the Spark job, and a note on where they come from."""
    folder = data / "nexrad" / "volumes"
    if folder.is_dir():
        names = SHARED[:3] if quick else SHARED
        found = [Sample(n, (folder / n).read_bytes(), "shared folder") for n in names]
        return found, f"real volumes of {folder}"
    note = (
        f"{folder} is absent: measured on one simulated volume and two small real ones that the "
        "arm-pyart wheel carries; the ratios of the README are for the real volumes"
    )
    return [simulated(work), *wheel_samples()], note


def simulated(work: Path) -> Sample:
    """One volume of a simulated storm; 5 MB or so, nine elevations in split cuts."""
    from stormlake.simulate.radar import simulate_storm

    (path,) = simulate_storm("KTLX", datetime(2026, 5, 1, 21, tzinfo=UTC), 1, 1, work / "storm")
    return Sample(path.name, path.read_bytes(), "simulated")


def wheel_samples() -> list[Sample]:
    """The two volumes with echo that the arm-pyart wheel carries."""
    import tempfile

    from stormlake.simulate.samples import copy_samples

    with tempfile.TemporaryDirectory() as folder:
        return [
            Sample(path.name, path.read_bytes(), "arm-pyart wheel")
            for path in copy_samples(Path(folder))
            # The third has its echo blanked: nothing to grid.
            if path.name != "KATX20130717_195021_V06.bz2"
        ]
