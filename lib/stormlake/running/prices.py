"""What hours cost: a TOML file of the user's; the one that ships is an example.

    region = "us-east-1"
    currency = "USD"
    date = 2026-11-25            # the day of the figures
    [instances]
    "m7i.xlarge" = { ec2 = 0.2016, spot = 0.0806, emr = 0.0504 }
    [serverless]
    vcpu_hour = 0.052624
    memory_gb_hour = 0.0057785
    storage_gb_hour = 0.000111
    [s3]
    put_1000 = 0.005
    get_1000 = 0.0004
    storage_gb_month = 0.023
    [athena]
    scanned_tb = 5.0

`spot`, `[serverless]`, `[s3]` and `[athena]` may be left out by who does not use them.
"""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import click

from stormlake.errors import RefusedInput
from stormlake.lake.sources import shipped_file

Market = Literal["ON_DEMAND", "SPOT"]
"""As EMR's API writes it."""

EXAMPLE: Final = "prices.example.toml"

T = TypeVar("T")

prices_option = click.option(
    "--prices",
    "price_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=f"TOML file with your prices.  [default: {EXAMPLE}, which is nobody's]",
)


class PricesRefused(RefusedInput):
    """A price file that cannot be used; the message names file and key."""


@dataclass(frozen=True)
class InstancePrice:
    """One instance for an hour.

    Parameters
    ----------
    ec2 : float
        EC2 On-Demand.
    emr : float
        What EMR adds, whatever the market.
    spot : float or None
        EC2 Spot.
    """

    ec2: float
    emr: float
    spot: float | None = None

    def hour(self, market: Market) -> float | None:
        """EC2 and EMR together; None where the file has no Spot price."""
        server = self.ec2 if market == "ON_DEMAND" else self.spot
        return None if server is None else server + self.emr


@dataclass(frozen=True)
class ServerlessPrice:
    """EMR Serverless: a vCPU, a GB of memory, a GB of storage beyond the free 20, for an hour."""

    vcpu_hour: float
    memory_gb_hour: float
    storage_gb_hour: float


@dataclass(frozen=True)
class S3Price:
    """S3: 1,000 requests of PUT or LIST, 1,000 of GET, a GB for a month."""

    put_1000: float
    get_1000: float
    storage_gb_month: float


@dataclass(frozen=True)
class AthenaPrice:
    """Athena: a TB (2**40 bytes) that queries have scanned."""

    scanned_tb: float


@dataclass(frozen=True)
class Prices:
    """A price file.

    Parameters
    ----------
    file : str
        Its name, for messages and reports.
    region, currency : str
    date : date
        Day of the figures.
    instances : mapping of str to InstancePrice
        By instance type.
    serverless, s3, athena
        None where the file has none.
    example : bool
        Whether these are nobody's prices.
    """

    file: str
    region: str
    currency: str
    date: dt.date
    instances: Mapping[str, InstancePrice]
    serverless: ServerlessPrice | None = None
    s3: S3Price | None = None
    athena: AthenaPrice | None = None
    example: bool = False

    def hour(self, instance_type: str, market: Market) -> float | None:
        """Price of an instance for an hour; None where the file does not know it."""
        price = self.instances.get(instance_type)
        return None if price is None else price.hour(market)

    def missing(self, instance_type: str, market: Market) -> str:
        """Say that there is no such price."""
        spot = " Spot" if market == "SPOT" and instance_type in self.instances else ""
        return f"no{spot} price for {instance_type} in {self.file}: hours only"

    @property
    def label(self) -> str:
        """What a report says of where its prices come from."""
        said = f"{self.file}: {self.region}, {self.currency}, of {self.date}"
        if self.example:
            said += "; EXAMPLE PRICES, give your own with --prices"
        return said


def read_prices(path: Path | None = None) -> Prices:
    """Read a price file.

    Parameters
    ----------
    path : Path, optional
        Without: the example that ships.

    Raises
    ------
    PricesRefused
        The file cannot be read, or something in it cannot be used.
    """
    try:
        if path is None:
            name, text = EXAMPLE, shipped_file("emr", EXAMPLE).read_text(encoding="utf-8")
        else:
            name, text = str(path), path.read_text(encoding="utf-8")
    except OSError as error:
        raise PricesRefused(
            f"{path}: {error.strerror or error}; --prices names a TOML file such as {EXAMPLE}"
        ) from error
    except UnicodeDecodeError as error:
        raise PricesRefused(f"{path}: not a TOML file: {error}") from error
    return parse_prices(text, name)


def parse_prices(text: str, file: str) -> Prices:
    """Read the text of a price file.

    Parameters
    ----------
    text : str
    file : str
        Its name.

    Raises
    ------
    PricesRefused
        Something in it cannot be used.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PricesRefused(f"{file}: not a TOML file: {error}") from error
    known = {"region", "currency", "date", "example", "instances"} | {
        *("serverless", "s3", "athena")
    }
    _refuse_unknown(file, "", data, known)
    example = data.get("example", False)
    if not isinstance(example, bool):
        raise PricesRefused(f"{file}: example: expected true or false, not {example!r}")
    instances = _table(file, "instances", data.get("instances"))
    return Prices(
        file=file,
        region=_text(file, "region", data.get("region")),
        currency=_text(file, "currency", data.get("currency")),
        date=_day(file, data.get("date")),
        instances={
            name: _prices(file, f'instances."{name}"', InstancePrice, price)
            for name, price in instances.items()
        },
        serverless=_optional(file, "serverless", ServerlessPrice, data),
        s3=_optional(file, "s3", S3Price, data),
        athena=_optional(file, "athena", AthenaPrice, data),
        example=example,
    )


def _optional(file: str, key: str, kind: type[T], data: Mapping[str, Any]) -> T | None:
    return _prices(file, key, kind, data[key]) if key in data else None


def _prices(file: str, where: str, kind: type[T], found: Any) -> T:
    """A dataclass of prices from a table, each a positive number; zero is a price, too."""
    table = _table(file, where, found)
    wanted = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    _refuse_unknown(file, f"{where}.", table, wanted)
    for name, field in wanted.items():
        if name not in table and field.default is MISSING:
            raise PricesRefused(f"{file}: {where}.{name} is missing; it is a price an hour or unit")
    for name, value in table.items():
        # bool is an int to Python.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise PricesRefused(f"{file}: {where}.{name}: expected a number, not {value!r}")
        if not math.isfinite(value) or value < 0:
            raise PricesRefused(f"{file}: {where}.{name}: {value!r} is no price")
    return kind(**{name: float(value) for name, value in table.items()})


def _table(file: str, key: str, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise PricesRefused(f"{file}: {key}: expected a table, not {found!r}")
    return found


def _text(file: str, key: str, found: Any) -> str:
    if not isinstance(found, str) or not found.strip():
        raise PricesRefused(f"{file}: {key}: expected a text, not {found!r}")
    return found


def _day(file: str, found: Any) -> dt.date:
    # A datetime is a date to Python.
    if not isinstance(found, dt.date) or isinstance(found, dt.datetime):
        raise PricesRefused(
            f"{file}: date: expected the day of the figures, such as date = 2026-11-25 without "
            f"quotes, not {found!r}"
        )
    return found


def _refuse_unknown(
    file: str, where: str, found: Mapping[str, Any], known: Collection[str]
) -> None:
    for key in found:
        if key not in known:
            raise PricesRefused(
                f"{file}: {where}{key} is unknown; known are {', '.join(sorted(known))}"
            )
