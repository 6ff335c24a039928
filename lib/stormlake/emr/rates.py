"""What work costs in core-seconds: rates that the benchmarks measured, from one dated file.

`emr/rates.toml` is written by `python benchmarks/rates.py`. A run costs a part that does not grow
with its input and that one core does (planning, compiling, starting Python), and a part that grows
and that all cores share: by volume and byte for radar, by byte for sensors.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stormlake.lake.sources import shipped_file

FILE: Final = "rates.toml"
GIGABYTE: Final = 10**9


@dataclass(frozen=True)
class Measured:
    """Where rates come from.

    Parameters
    ----------
    date : date
    commit : str
        Of this repository.
    machine : str
        Processor, cores.
    what : str
        What was run.
    """

    date: dt.date
    commit: str
    machine: str
    what: str


@dataclass(frozen=True)
class Work:
    """What a run will take.

    Parameters
    ----------
    serial, shared : float
        Core-seconds that one core does, and that all cores share.
    tasks : int or None
        How many cores can share them at the most; None where nothing limits it.
    formula : str
        The arithmetic, for a person.
    lake_bytes : int or None
        What it will write, about; None where that was not measured.
    """

    serial: float
    shared: float
    tasks: int | None
    formula: str
    lake_bytes: int | None = None

    @property
    def core_seconds(self) -> float:
        """All of it."""
        return self.serial + self.shared

    def wall_seconds(self, cores: int) -> float:
        """Seconds on so many cores, none of them idle while there is work that can be shared."""
        usable = cores if self.tasks is None else min(cores, self.tasks)
        return self.serial + self.shared / max(1, usable)


@dataclass(frozen=True)
class RadarRate:
    """`ingest-radar`, profile `lake`.

    Parameters
    ----------
    run, volume, gigabyte : float
        Core-seconds a run, a volume, and 1e9 bytes of volumes.
    lake_volume : float
        Bytes of Parquet that a volume comes to.
    measured : Measured
    """

    run: float
    volume: float
    gigabyte: float
    lake_volume: float
    measured: Measured

    def work(self, volumes: int, size: int, tasks: int | None = None) -> Work:
        """What so many volumes take.

        Parameters
        ----------
        volumes, size : int
            How many, and all their bytes.
        tasks : int, optional
            Tasks of the plan.
        """
        return Work(
            serial=self.run,
            shared=self.volume * volumes + self.gigabyte * size / GIGABYTE,
            tasks=tasks,
            formula=f"{self.run:g} s a run + {self.volume:g} s x {volumes:,} volumes + "
            f"{self.gigabyte:g} s x {size / GIGABYTE:,.3f} GB",
            lake_bytes=round(self.lake_volume * volumes),
        )


@dataclass(frozen=True)
class SensorRate:
    """`aggregate unicorn_minutes` over JSON Lines.

    Parameters
    ----------
    run, million_records : float
        Core-seconds a run, and a million records.
    record_bytes : float
        Bytes of a record.
    gzip : float
        Bytes that a byte of a gzip object holds.
    measured : Measured
    """

    run: float
    million_records: float
    record_bytes: float
    gzip: float
    measured: Measured

    def work(self, size: int, gzip_size: int = 0) -> Work:
        """What an archive takes.

        Parameters
        ----------
        size, gzip_size : int
            All bytes, as listed, and how many of them are gzip objects'.
        """
        plain = size - gzip_size + self.gzip * gzip_size
        millions = plain / self.record_bytes / 1e6
        packed = f", gzip x {self.gzip:g}" if gzip_size else ""
        return Work(
            serial=self.run,
            shared=self.million_records * millions,
            tasks=None,
            formula=f"{self.run:g} s a run + {self.million_records:g} s x {millions:,.3f} million "
            f"records ({size / GIGABYTE:,.3f} GB{packed}, {self.record_bytes:g} bytes a record)",
        )


@dataclass(frozen=True)
class Rates:
    """All that was measured, by command."""

    radar: RadarRate
    sensors: SensorRate


def read_rates() -> Rates:
    """Read the file that ships."""
    return parse_rates(shipped_file("emr", FILE).read_text(encoding="utf-8"))


def parse_rates(text: str) -> Rates:
    """Read the text of a rates file, as `benchmarks/rates.py` writes it."""
    data = tomllib.loads(text)
    radar, sensors = data["ingest-radar"], data["aggregate"]
    return Rates(
        radar=RadarRate(**_numbers(radar), measured=_measured(radar)),
        sensors=SensorRate(**_numbers(sensors), measured=_measured(sensors)),
    )


def _numbers(table: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in table.items() if isinstance(value, int | float)}


def _measured(table: Mapping[str, Any]) -> Measured:
    return Measured(**{name: table[name] for name in ("date", "commit", "machine", "what")})
