"""One volume from bytes to rows: decode, choose cuts, quality control, grid, products.

The one path that the Spark job, the bare loop of the benchmark and the tests share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from stormlake.radar import geometry, gridding, products, quality, recast_reader
from stormlake.radar.containers import read_header, unwrap
from stormlake.radar.cuts import choose_cuts
from stormlake.radar.decode import decode
from stormlake.radar.gridding import Cells, gather_gates, grid_cells
from stormlake.radar.outcomes import Reason, Status, VolumeRejected
from stormlake.radar.products import Columns, column_products
from stormlake.radar.profiles import Profile, grid_id
from stormlake.radar.quality import GateCounts, select_gates, volume_method
from stormlake.radar.stations import Station


@dataclass(frozen=True, eq=False)
class VolumeResult:
    """What became of one archive object, and its cells and columns when it gave any.

    Every field but `cells`, `products` and `header_date` (the day in the header of a volume
    that was rejected) is a column of `radar_volumes`; None where the object did not get far
    enough to tell.
    """

    status: Status
    reason: Reason | None = None
    detail: str | None = None
    station: str | None = None
    header_date: date | None = None
    volume_time: datetime | None = None
    vcp: int | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    grid: str | None = None
    cuts: int | None = None
    rays: int | None = None
    chosen_cuts: str | None = None
    qc_method: str | None = None
    gates_valid: int | None = None
    gates_reflectivity: int | None = None
    gates_after_zdr: int | None = None
    gates_after_rho: int | None = None
    gates_kept: int | None = None
    max_reflectivity: float | None = None
    decoder: str | None = None
    cells: Cells | None = field(default=None, repr=False)
    products: Columns | None = field(default=None, repr=False)


def process_volume(
    data: bytes, key: str, profile: Profile, stations: Mapping[str, Station] | None = None
) -> VolumeResult:
    """Turn the bytes of one archive object into rows; a bad object becomes a rejected result.

    Parameters
    ----------
    data : bytes
        The object as it lies in the archive.
    key : str
        Its key; the station comes from the name when the name tells one.
    profile : Profile
        Which cuts, which quality control, which grid.
    stations : mapping of str to Station, optional
        Locations by station; the built-in table when not given.

    Returns
    -------
    VolumeResult
        Never raises for anything that the bytes hold.
    """
    try:
        volume = decode(data, key, stations)
    except VolumeRejected as rejected:
        station, date = _header_facts(data)
        return VolumeResult(
            Status.REJECTED,
            rejected.reason,
            rejected.detail or None,
            station=station,
            header_date=date,
        )
    facts = VolumeResult(
        Status.OK,
        station=volume.station,
        volume_time=volume.volume_time,
        vcp=volume.vcp,
        latitude=volume.latitude,
        longitude=volume.longitude,
        altitude=volume.altitude,
        cuts=len(volume.cuts),
        rays=volume.rays,
        decoder=volume.decoder,
    )
    try:
        choice = choose_cuts(volume, profile)
        kept = [(volume.cuts[i], select_gates(volume.cuts[i], profile)) for i in choice.chosen]
    except VolumeRejected as rejected:
        return replace(
            facts,
            status=Status.REJECTED,
            reason=rejected.reason,
            detail=rejected.detail or None,
        )
    counts = GateCounts.total(gates.counts for _, gates in kept)
    cells = grid_cells(gather_gates(kept), profile.grid)
    problems = {*volume.problems, *([Reason.INCOMPLETE_CUT] if choice.incomplete else [])}
    # Of several problems the first in the order of the definition is the reason.
    reason = next((reason for reason in Reason if reason in problems), None)
    return replace(
        facts,
        status=Status.PARTIAL if reason else Status.OK,
        reason=reason,
        grid=grid_id(profile, volume.latitude, volume.longitude, volume.altitude),
        chosen_cuts=" ".join(str(index) for index in choice.chosen),
        qc_method=volume_method(gates.method for _, gates in kept),
        gates_valid=counts.valid,
        gates_reflectivity=counts.reflectivity,
        gates_after_zdr=counts.after_zdr,
        gates_after_rho=counts.after_rho,
        gates_kept=counts.kept,
        max_reflectivity=float(cells.reflectivity.max()) if len(cells.reflectivity) else None,
        cells=cells,
        products=column_products(cells, profile.grid),
    )


def _header_facts(data: bytes) -> tuple[str | None, date | None]:
    """Station and day that the header of a rejected volume tells, for one whose name does not."""
    try:
        header = read_header(unwrap(data))
    except VolumeRejected:
        return None, None
    return header.station, header.date


def warm_up() -> None:
    """Import the decoder and compile every kernel of the path, or load it from the cache.

    A watchdog that counts seconds a volume must not begin to count before.
    """
    for module in (recast_reader, quality, geometry, gridding, products):
        module.warm_up()
