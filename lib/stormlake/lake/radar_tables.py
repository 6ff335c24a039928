"""The radar tables: every column with its type, unit and meaning, written once."""

from __future__ import annotations

from typing import Final

from stormlake.lake.types import Column, Table, Warehouse

_STATION = Column(
    "station",
    "string",
    "",
    "Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.",
    nullable=False,
    bytes=16,
)
_DATE = Column(
    "date",
    "date",
    "",
    "UTC day on which the volume started, by its key; 1970-01-01 for an object that names none.",
    nullable=False,
)
_VOLUME_TIME = Column(
    "volume_time",
    "timestamp",
    "",
    "Time of the volume's first ray; joins to `radar_volumes`.",
    nullable=False,
)
_IY = Column(
    "iy",
    "short",
    "1",
    "Cell index from south to north, from 0; joins to `radar_geometry`.",
    nullable=False,
)
_IX = Column(
    "ix",
    "short",
    "1",
    "Cell index from west to east, from 0; joins to `radar_geometry`.",
    nullable=False,
)
_GRID_BYTES = 128
"""A grid's name is the profile's (at most 119 bytes), a hyphen, and 8 hex digits."""


def _count(name: str, description: str) -> Column:
    return Column(name, "long", "1", description)


def _text(name: str, size: int, description: str, nullable: bool = True) -> Column:
    return Column(name, "string", "", description, nullable, size)


RADAR_VOLUMES: Final = Table(
    name="radar_volumes",
    description=(
        "One archive object of the run: what it was, what became of it, and why. "
        "Every object of the source is exactly one row."
    ),
    partitions=(_STATION, _DATE),
    columns=(
        _text(
            "key",
            1024,
            "Key of the object below the source; a folder of chunks ends in `/`.",
            nullable=False,
        ),
        Column("key_time", "timestamp", "", "Start of the volume by its key; seconds."),
        Column(
            "volume_time",
            "timestamp",
            "",
            "Time of the first ray, which may differ from the key by half a minute. NULL when the "
            "volume gave none.",
        ),
        Column("size", "long", "byte", "Size of the object as listed.", nullable=False),
        _text(
            "status",
            16,
            "`ok`, `partial` (has rows, but the volume is not whole), `rejected` or `skipped`.",
            nullable=False,
        ),
        _text("reason", 64, "Why the status is not `ok`, in one word; NULL when it is."),
        _text("detail", 4096, "What was found, in the words of whoever found it."),
        Column("vcp", "short", "1", "Volume coverage pattern: the number of the scan strategy."),
        Column("latitude", "double", "degrees_north", "Latitude of the antenna."),
        Column("longitude", "double", "degrees_east", "Longitude of the antenna."),
        Column("altitude", "double", "m", "Height of the antenna above sea level."),
        _text(
            "grid",
            _GRID_BYTES,
            "Grid of the volume's rows: `<profile>-<8 hex of the grid and the antenna's place>`; "
            "joins to `radar_geometry`.",
        ),
        Column("cuts", "short", "1", "Cuts (sweeps) in the volume."),
        Column("rays", "int", "1", "Rays in all cuts."),
        _text(
            "chosen_cuts",
            512,
            "Indices of the cuts that were gridded, by ascending elevation, e.g. `0 2 4`.",
        ),
        _text(
            "qc_method",
            32,
            "`dualpol`, `reflectivity_only` (the volume has no dual polarisation) or `mixed`.",
        ),
        _count("gates_valid", "Gates of the chosen cuts with a reflectivity."),
        _count("gates_reflectivity", "Of these, gates that reach the least reflectivity."),
        _count(
            "gates_after_zdr",
            "Of these, gates that also pass the test of differential reflectivity, where it "
            "applies.",
        ),
        _count(
            "gates_after_rho",
            "Of these, gates that also pass the test of cross-correlation ratio, where it applies.",
        ),
        _count("gates_kept", "Gates that were gridded."),
        _count("cells", "Rows of the volume in `radar_grid`."),
        _count("columns", "Rows of the volume in `radar_columns`."),
        Column(
            "max_reflectivity",
            "float",
            "dBZ",
            "Largest reflectivity of the volume's grid, rounded to 0.1; NULL without cells.",
        ),
        _text("decoder", 64, "Library and version that read the volume."),
        _text("profile", 119, "Radar profile of the run.", nullable=False),
        _text("profile_hash", 16, "Hash of everything in the profile.", nullable=False),
        _text("software", 64, "Name and version of the code.", nullable=False),
        _text("run_id", 128, "Run that wrote the row.", nullable=False),
    ),
    sort=("key_time", "key"),
    warehouse=Warehouse("replace", sort=("station", "volume_time")),
)

RADAR_GRID: Final = Table(
    name="radar_grid",
    description="One cell with echo of one volume's three-dimensional grid.",
    partitions=(_STATION, _DATE),
    columns=(
        _VOLUME_TIME,
        Column("level", "short", "1", "Level of the grid, from 0 at the lowest.", nullable=False),
        Column("height", "float", "m", "Height of the level above the antenna.", nullable=False),
        _IY,
        _IX,
        Column(
            "reflectivity",
            "float",
            "dBZ",
            "Equivalent reflectivity of the gates in reach of the cell's centre, averaged in dBZ "
            "with Barnes weights, rounded to 0.1. A cell without echo has no row.",
            nullable=False,
        ),
    ),
    sort=("volume_time", "level", "iy", "ix"),
    warehouse=Warehouse("replace", sort=("station", "volume_time"), by_default=False),
)

RADAR_COLUMNS: Final = Table(
    name="radar_columns",
    description="One vertical column of the grid with echo of one volume: its 2-D products.",
    partitions=(_STATION, _DATE),
    columns=(
        _VOLUME_TIME,
        _IY,
        _IX,
        Column(
            "composite_reflectivity",
            "float",
            "dBZ",
            "Largest reflectivity of the column, rounded to 0.1.",
            nullable=False,
        ),
        Column(
            "echo_top_18",
            "float",
            "m",
            "Height above the antenna of the highest level with at least 18 dBZ; the level itself, "
            "not interpolated. Quality control keeps only gates of 20 dBZ and more (unless the "
            "profile says otherwise), so this is the highest level with a value. NULL when no "
            "level reaches 18 dBZ.",
        ),
        Column(
            "vil",
            "float",
            "kg m-2",
            "Vertically integrated liquid (Greene and Clark 1972), reflectivity capped at 56 dBZ; "
            "a layer counts only where both its levels have a value, so one level alone gives 0.",
            nullable=False,
        ),
    ),
    sort=("volume_time", "iy", "ix"),
    warehouse=Warehouse("replace", sort=("station", "volume_time")),
)

RADAR_GEOMETRY: Final = Table(
    name="radar_geometry",
    description="One column of a station's grid: where on Earth it is. Stations move, so a station "
    "may have several grids.",
    partitions=(
        _STATION,
        Column(
            "grid",
            "string",
            "",
            "Name of the grid, as `radar_volumes` has it.",
            nullable=False,
            bytes=_GRID_BYTES,
        ),
    ),
    columns=(
        _IY,
        _IX,
        Column("x", "float", "m", "Distance of the cell's centre east of the radar.", False),
        Column("y", "float", "m", "Distance of the cell's centre north of the radar.", False),
        Column("latitude", "double", "degrees_north", "Latitude of the cell's centre.", False),
        Column("longitude", "double", "degrees_east", "Longitude of the cell's centre.", False),
    ),
    sort=("iy", "ix"),
    warehouse=Warehouse("replace", sort=("station", "iy", "ix"), distribution="ALL"),
)
