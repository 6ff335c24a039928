"""The registry of devices: both forms, and what is wrong with one."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest

from stormlake.archive.source import Source
from stormlake.errors import RefusedInput
from stormlake.sensors.registry import Device, read_registry
from stormlake.simulate.vitals import device_registry

CSV = 'device_id,manufacturer,model\nd1,Borealis,"BM-310, mobile"\nd2,,X\n'
JSON = (
    '{"device_id": "d1", "manufacturer": "Borealis", "model": "BM-310, mobile"}\n\n'
    '{"model": "X", "device_id": "d2", "manufacturer": null}'
)
DEVICES = {"d1": Device("Borealis", "BM-310, mobile"), "d2": Device(None, "X")}


def read(folder: Path, data: bytes) -> dict[str, Device]:
    path = folder / "registry"
    path.write_bytes(data)
    return read_registry(Source(str(path)))


@pytest.mark.parametrize("text", [CSV, JSON, "\ufeff" + CSV, CSV.replace("\n", "\r\n")])
def test_both_forms_give_the_same_devices_plain_and_gzipped(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text.encode()) == DEVICES
    assert read(tmp_path, gzip.compress(text.encode())) == DEVICES


def test_the_simulated_registry_has_all_its_devices(tmp_path: Path) -> None:
    devices = read(tmp_path, device_registry(3))
    rows = list(csv.DictReader(io.StringIO(device_registry(3).decode())))
    assert len(devices) == len(rows) == 5000
    assert {name: each.model for name, each in devices.items()} == {
        row["device_id"]: row["model"] for row in rows
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no device"),
        ("device_id,manufacturer,model\n", "names no device"),
        (CSV + "d1,again,x\n", "d1 is there twice"),
        ("device,manufacturer,model\nd1,a,b\n", "its first line has no device_id"),
        ("device_id,manufacturer,model\n,a,b\n", "line 2: no device_id"),
        ('{"device_id": "d1"}\n{"device_id": 7}', "line 2: no device_id"),
        ('{"device_id": "d1", "model": 3}', "line 1: model is not a text"),
        ('{"device_id": "d1"}\n[1]', "line 2: expected a JSON object"),
        ('{"device_id": "d1"}\nrubbish', "line 2: expected one JSON object a line"),
    ],
)
def test_what_is_wrong_with_a_registry_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RefusedInput, match="registry") as refused:
        read(tmp_path, text.encode())
    assert said in str(refused.value)


def test_a_registry_that_is_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="cannot be read"):
        read(tmp_path, gzip.compress(CSV.encode())[:-9])
