"""A storm whose truth is known: cells that move, grow and decay along a line, and rain behind it.

Positions are metres east (x) and north (y) of the radar, times are seconds since the first
volume. A longer run of the same seed begins with the shorter one: cells are drawn in blocks of
half an hour, each from its own random stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

BLOCK_SECONDS: Final = 1800.0
CELLS_PER_BLOCK: Final = 7
LONGEST_LIFE: Final = 6600.0

FLOOR: Final = 15.0
"""Peak of a cell at its birth and its death, dBZ."""
CORE_HEIGHT: Final = 3500.0
"""Below it a cell's reflectivity does not change with height, m above the radar."""
TOP_REFLECTIVITY: Final = 18.0
"""dBZ at a cell's echo top."""

TRACK: Final = 420_000.0
"""The line crosses from -TRACK to +TRACK along its motion and then begins anew, m."""

TEXTURE_SIZE: Final = 1024
TEXTURE_STEP: Final = 500.0


@dataclass(frozen=True)
class CellState:
    """A cell at one moment: what the truth file tells.

    Parameters
    ----------
    x, y : float
        Centre, m east and north of the radar.
    peak : float
        Largest reflectivity, dBZ.
    radius : float
        Distance at which the core has fallen by 10 dB, m (geometric mean of the two axes).
    echo_top : float
        Height at which the centre has fallen to 18 dBZ, m above the radar.
    """

    x: float
    y: float
    peak: float
    radius: float
    echo_top: float


@dataclass(frozen=True)
class Cell:
    """One convective cell from birth to death.

    Parameters
    ----------
    number : int
        Identity, from 0 in the order of the draw.
    birth, life : float
        s since the first volume (may be negative), s.
    x, y : float
        Centre at birth, m.
    u, v : float
        Motion to the east and the north, m/s.
    peak, echo_top, radius : float
        At the height of its life; dBZ, m, m.
    aspect, orientation : float
        Ratio of the axes and direction of the long one (radians from east).
    """

    number: int
    birth: float
    life: float
    x: float
    y: float
    u: float
    v: float
    peak: float
    echo_top: float
    radius: float
    aspect: float
    orientation: float

    def at(self, time: float) -> CellState | None:
        """State at a time; None before birth and after death."""
        age = time - self.birth
        if not 0.0 < age < self.life:
            return None
        strength = np.sin(np.pi * age / self.life)
        return CellState(
            x=self.x + self.u * age,
            y=self.y + self.v * age,
            peak=float(FLOOR + (self.peak - FLOOR) * strength),
            radius=float(self.radius * (0.7 + 0.3 * strength)),
            echo_top=float(5000.0 + (self.echo_top - 5000.0) * strength),
        )


@dataclass(frozen=True)
class Rain:
    """The stratiform region behind the line: an ellipse of light rain at one moment (m, radians).

    Its reflectivity falls from the middle to zero at `along` and `across` the line.
    """

    x: float
    y: float
    along: float
    across: float
    orientation: float


@dataclass(frozen=True)
class Storm:
    """A field of cells with a common motion.

    Parameters
    ----------
    seed : int
        Not negative.
    station : str
        Four characters; each station has its own storm of a seed.
    """

    seed: int
    station: str

    def stream(self, *purpose: int) -> np.random.Generator:
        """Random numbers for one purpose, the same whatever was drawn before."""
        name = int.from_bytes(self.station.encode(), "big")
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence((self.seed, name, *purpose)))
        )

    @cached_property
    def _course(self) -> tuple[float, float, float]:
        """Speed (m/s), direction (radians from east) and the line's start along it (m)."""
        random = self.stream(0)
        speed = random.uniform(11.0, 19.0)
        direction = np.radians(random.uniform(-15.0, 60.0))  # towards east to north-east
        return float(speed), float(direction), float(random.uniform(-50_000.0, 20_000.0))

    @property
    def motion(self) -> tuple[float, float]:
        """Common motion to the east and the north, m/s."""
        speed, direction, _ = self._course
        return speed * float(np.cos(direction)), speed * float(np.sin(direction))

    def _line(self, time: float) -> float:
        """Where the line is along its motion, m from the radar."""
        speed, _, start = self._course
        return (start + speed * time + TRACK) % (2 * TRACK) - TRACK

    def _block(self, block: int) -> list[Cell]:
        """The cells born in one block of half an hour; block 0 begins with the first volume."""
        random = self.stream(1, 1_000_000 + block)
        _, direction, _ = self._course
        u, v = self.motion
        cells = []
        for index in range(CELLS_PER_BLOCK):
            birth = (block + random.uniform()) * BLOCK_SECONDS
            life = random.uniform(3600.0, LONGEST_LIFE)
            scattered = index >= CELLS_PER_BLOCK - 2  # the others belong to the line
            along = random.uniform(-190_000.0, 190_000.0)
            ahead = random.uniform(-170_000.0, 170_000.0) if scattered else random.normal(0, 9000.0)
            ahead += self._line(birth) if not scattered else 0.0
            ahead -= 12e-10 * along**2 * 1e3 if not scattered else 0.0  # the line bows
            cells.append(
                Cell(
                    number=(block + 4) * CELLS_PER_BLOCK + index,
                    birth=float(birth),
                    life=float(life),
                    x=float(ahead * np.cos(direction) - along * np.sin(direction)),
                    y=float(ahead * np.sin(direction) + along * np.cos(direction)),
                    u=float(u + random.normal(0.0, 1.2)),
                    v=float(v + random.normal(0.0, 1.2)),
                    peak=float(
                        random.uniform(42.0, 52.0) if scattered else random.uniform(48.0, 62.0)
                    ),
                    echo_top=float(random.uniform(9000.0, 15_000.0)),
                    radius=float(random.uniform(5500.0, 10_500.0)),
                    aspect=float(random.uniform(1.0, 2.0)),
                    orientation=float(direction + np.pi / 2 + random.normal(0.0, 0.4)),
                )
            )
        return cells

    def cells(self, time: float) -> list[tuple[Cell, CellState]]:
        """The cells alive at a time (s since the first volume), by number."""
        first = int((time - LONGEST_LIFE) // BLOCK_SECONDS)
        alive = []
        for block in range(first, int(time // BLOCK_SECONDS) + 1):
            for cell in self._blocks(block):
                state = cell.at(time)
                if state is not None:
                    alive.append((cell, state))
        return alive

    @cached_property
    def _drawn(self) -> dict[int, list[Cell]]:
        return {}

    def _blocks(self, block: int) -> list[Cell]:
        if block not in self._drawn:
            self._drawn[block] = self._block(block)
        return self._drawn[block]

    def rain(self, time: float) -> Rain:
        """The stratiform region at a time."""
        _, direction, _ = self._course
        behind = self._line(time) - 50_000.0
        return Rain(
            x=behind * float(np.cos(direction)),
            y=behind * float(np.sin(direction)),
            along=140_000.0,
            across=48_000.0,
            orientation=direction + float(np.pi) / 2,
        )

    @cached_property
    def texture(self) -> npt.NDArray[np.float32]:
        """Periodic irregularity, float32 (1024, 1024), mean 0, deviation 1, 500 m a step.

        Its spectrum falls as wavenumber^-2.6 in power per mode, between smooth and rough.
        """
        size = TEXTURE_SIZE
        white = np.fft.rfft2(self.stream(2).standard_normal((size, size)))
        wave = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]) * size
        wave[0, 0] = np.inf
        field = np.fft.irfft2(white * (wave + 6.0) ** -1.6, s=(size, size))
        texture: npt.NDArray[np.float32] = (field / field.std()).astype(np.float32)
        return texture

    def texture_at(
        self, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Texture at positions in m, nearest node."""
        column = (x * np.float32(1 / TEXTURE_STEP)).astype(np.int32) & (TEXTURE_SIZE - 1)
        row = (y * np.float32(1 / TEXTURE_STEP)).astype(np.int32) & (TEXTURE_SIZE - 1)
        found: npt.NDArray[np.float32] = self.texture[row, column]
        return found
