"""Vital signs of patients that nobody is: devices, invented people, planted low pulses."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import numpy as np

from stormlake.simulate.draws import BLOCK, SECOND, Block, chance, micros, spans, written

DEVICES: Final = 4_500
"""Devices that send; one patient wears each."""

REGISTERED: Final = 5_000
"""Devices in the registry: those that send, and some that never do."""

PLANT_EVERY: Final = 1_000
"""One low pulse in so many records; not in record 0, when no forest has warmed up."""

_STREAM: Final = "vitals"
_INTERVAL: Final = 60 * SECOND // 2_000
"""2,000 records a minute, microseconds between two."""

_LAST: Final = (
    "Abernathy", "Brightwater", "Castellanos", "Dunmore", "Ekström", "Fairweather", "Grünwald",
    "Hollowell", "Iversen", "Jankowska", "Kestrel", "Lindqvist", "Merriweather", "Nightingale",
    "O'Rourke", "Pemberton", "Quillfeather", "Rosenthal", "Silverstone", "Thistlewood",
)  # fmt: skip
_FIRST: Final = (
    "Adelaide", "Bertram", "Cordelia", "Dashiell", "Eulalia", "Florian", "Gwendolyn", "Horatio",
    "Isolde", "Jasper", "Katarzyna", "Leopold", "Mirabel", "Nathaniel", "Ophelia", "Percival",
    "Rosalind", "Sebastian", "Theodora", "Zoë",
)  # fmt: skip
_MODELS: Final = (
    ("Asclepion", "Pulse One"),
    ("Asclepion", "Pulse Two"),
    ("Borealis Medical", "BM-200"),
    ("Borealis Medical", "BM-310, mobile"),
    ("Caduceus Works", "Wrist 4"),
)


def vital_records(records: int, seed: int, start: datetime) -> Iterator[dict[str, Any]]:
    """Readings of many devices, 2,000 a minute, in the order of their times.

    Parameters
    ----------
    records : int
        How many; those of a smaller count are the first of a larger one.
    seed : int
    start : datetime
        Of the first reading; without a zone it is UTC.

    Yields
    ------
    dict
        `timestamp` (`yyyy-MM-ddTHH:mm:ss`), `device_id` (device0000 to device4499), `patient_id`,
        `name` (`Last, First`), `dob` (m/d/yyyy with months 1 to 13, as the original sends), `temp`
        (degrees Fahrenheit), `pulse` (60 to 120 a minute; planted 0 to 40), `oxygen_percent`,
        `systolic` (80 to 200), `diastolic` (40 to 120 mmHg).
    """
    for block in vital_blocks(records, seed, start):
        yield from block.records


def vital_blocks(records: int, seed: int, start: datetime) -> Iterator[Block]:
    """Give the readings of `vital_records` with their times and the low pulses planted in them.

    A low pulse is told as `device_id`, `timestamp`, `pulse` and `record`, the number of the
    record from 0; never with a name or a date of birth.
    """
    begin = micros(start)
    people = _people(seed)
    for span in spans(records):
        random = chance(seed, _STREAM, 0, span.number)
        number = span.first + np.arange(BLOCK)
        planted = (number % PLANT_EVERY == 0) & (number > 0)
        pulse = random.integers(60, 121, BLOCK)
        pulse = np.where(planted, random.integers(0, 41, BLOCK), pulse)
        times = begin + number * _INTERVAL
        columns = zip(
            written(times, "s"),
            random.integers(0, DEVICES, BLOCK).tolist(),
            np.round(random.normal(98.4, 0.6, BLOCK), 1).tolist(),
            pulse.tolist(),
            random.integers(92, 101, BLOCK).tolist(),
            random.integers(80, 201, BLOCK).tolist(),
            random.integers(40, 121, BLOCK).tolist(),
            strict=True,
        )
        readings = [
            {
                "timestamp": time,
                "device_id": f"device{device:04d}",
                **people[device],
                "temp": temp,
                "pulse": beats,
                "oxygen_percent": oxygen,
                "systolic": systolic,
                "diastolic": diastolic,
            }
            for time, device, temp, beats, oxygen, systolic, diastolic in columns
        ][: span.size]
        told = [
            {
                **{key: readings[index][key] for key in ("device_id", "timestamp", "pulse")},
                "record": span.first + index,
            }
            for index in np.flatnonzero(planted[: span.size]).tolist()
        ]
        yield Block(times[: span.size], readings, told)


def device_registry(seed: int) -> bytes:
    """Write the registry of the devices as CSV: device_id, manufacturer, model; 5,000 rows."""
    which = chance(seed, _STREAM, 4).integers(0, len(_MODELS), REGISTERED).tolist()
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("device_id", "manufacturer", "model"))
    for device, model in enumerate(which):
        table.writerow((f"device{device:04d}", *_MODELS[model]))
    return text.getvalue().encode()


def _people(seed: int) -> list[dict[str, str]]:
    """What a record tells about who wears a device, by the device's number."""
    random = chance(seed, _STREAM, 3)
    columns = zip(
        random.permutation(DEVICES).tolist(),
        random.integers(0, len(_LAST), DEVICES).tolist(),
        random.integers(0, len(_FIRST), DEVICES).tolist(),
        random.integers(1, 14, DEVICES).tolist(),
        random.integers(1, 29, DEVICES).tolist(),
        random.integers(1930, 2011, DEVICES).tolist(),
        strict=True,
    )
    return [
        {
            "patient_id": f"patient{patient:05d}",
            "name": f"{_LAST[last]}, {_FIRST[first]}",
            "dob": f"{month}/{day}/{year}",
        }
        for patient, last, first, month, day, year in columns
    ]
