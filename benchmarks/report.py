"""The tables that a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.targets import Target

STEPS = (
    ("libbz2 or zlib alone", "unpack"),
    ("decode, Py-ART, all moments", "decode pyart"),
    ("decode, Py-ART, told what is needed", "decode pyart lean"),
    ("decode, recast_radar.read", "decode recast"),
    ("decode, ours", "decode ours"),
    ("gridding, Py-ART, masked field", "grid pyart masked"),
    ("gridding, Py-ART, with GateFilter", "grid pyart filtered"),
    ("gridding, ours", "grid ours"),
    ("products, ours", "products ours"),
    ("bytes -> grid, Py-ART, masked field", "path pyart masked"),
    ("bytes -> grid, Py-ART, with GateFilter", "path pyart filtered"),
    ("bytes -> grid, Py-ART, lean", "path pyart lean"),
    ("bytes -> grid and products, ours", "path ours"),
)
RATIOS = (
    ("decode", "decode pyart", "decode ours"),
    ("gridding, masked field", "grid pyart masked", "grid ours"),
    ("gridding, with GateFilter", "grid pyart filtered", "grid ours"),
    ("bytes -> grid, masked field", "path pyart masked", "path ours"),
    ("bytes -> grid, with GateFilter", "path pyart filtered", "path ours"),
    ("bytes -> grid, lean", "path pyart lean", "path ours"),
)
NOTES = """\
Py-ART, masked field: all moments read, chosen sweeps extracted, gates that are not kept masked,
map_gates_to_grid(gatefilters=False): the kernel walks through every masked gate. With GateFilter:
the same, but the filter is handed to map_gates_to_grid, which skips. Lean: with GateFilter, and
the reader was told which sweeps and moments will be needed. Gridding alone: the same native gates
on both sides. All-moments reads of message 1 (2005) interpolate 1 km gates to 250 m, so that
Py-ART grids four times as many; lean reads and ours keep native gates."""


def lines(result: dict[str, Any], targets: Sequence[Target]) -> Iterator[str]:
    """The whole report, line by line."""
    machine = result["machine"]
    yield f"{machine['cpu']}, {machine['cores']} cores; load average {machine['load_before']:.2f}"
    yield f"before, {machine['load_after']:.2f} after."
    yield f"Measured: {result['source']}."
    yield from result["pinned"].splitlines()
    yield from _steps(result["kernels"])
    yield from _agreement(result["kernels"])
    yield from NOTES.splitlines()
    if result["spark"] is not None:
        yield from _spark(result["spark"])
    yield ""
    yield from asked(targets)


def asked(targets: Sequence[Target]) -> Iterator[str]:
    """The table of what was promised, and whether it was kept."""
    width = max(len(target.what) for target in targets)
    yield f"{'target of the issue':<{width}}  {'reached':>9}  {'asked for':>10}"
    for target in targets:
        sign = ">=" if target.at_least else "<="
        yield (
            f"{target.what:<{width}}  {target.value:>9.2f}  {sign} {target.limit:>7g}  "
            f"{'yes' if target.reached else 'NO'}"
        )


def _steps(kernels: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield "CPU ms, best of interleaved rounds (median); [ ] unpacking alone = 1"
    yield f"{'':<40}" + "".join(f"{name:>26}" for name in kernels)
    for label, step in STEPS:
        row = f"{label:<40}"
        for one in kernels.values():
            took, unit = one["steps"][step], one["steps"]["unpack"]["best"]
            text = f"{took['best'] * 1e3:.1f} ({took['median'] * 1e3:.1f})"
            row += f"{text:>18}{'[' + format(took['best'] / unit, '.2f') + ']':>8}"
        yield row
    yield ""
    yield f"{'times faster than Py-ART, best by best':<40}" + "".join(f"{n:>26}" for n in kernels)
    for label, theirs, ours in RATIOS:
        row = f"{label:<40}"
        for one in kernels.values():
            row += f"{one['steps'][theirs]['best'] / one['steps'][ours]['best']:>26.1f}"
        yield row


def _agreement(kernels: dict[str, Any]) -> Iterator[str]:
    yield ""
    for name, one in kernels.items():
        kernel, path = one["kernel"], one["path"]
        yield (
            f"{name}: {one['gates']:,} kept gates; same gates: {kernel['cells']:,} cells, "
            f"{kernel['mask']} differ in mask, at most {kernel['largest']:.1e} dB; "
            f"from bytes, native gates: {path['mask']} of {path['cells']:,} differ in mask"
        )


def _spark(spark: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"Spark job over copies of {spark['volume']} ({spark['volume_bytes']:,} bytes)"
    yield f"{'':<26}{'core-s/volume':>14}{'x bare loop':>12}{'wall s':>8}{'load':>6}"
    yield f"{'bare loop, one core':<26}{spark['bare_loop']:>14.3f}{1:>12.2f}"
    for label, job in spark["jobs"].items():
        each = job["core_seconds_per_volume"]
        ratio = each / spark["bare_loop"]
        wall, load = job["wall_seconds"], job["load"]
        yield f"{label:<26}{each:>14.3f}{ratio:>12.2f}{wall:>8.1f}{load:>6.1f}"
    if "marginal" in spark:
        yield (
            f"one core: {spark['fixed']:.1f} core-seconds a run and {spark['marginal']:.3f} a "
            f"volume ({spark['marginal'] / spark['bare_loop']:.2f} x bare loop), a line through "
            f"the sizes measured"
        )
    yield f"radar_grid: {spark['bytes_per_row']:.3f} bytes a row in Parquet"
    peaks = ", ".join(f"{kind} {size / 2**20:.0f} MiB" for kind, size in spark["peaks"].items())
    yield f"peak resident: {peaks};"
    yield f"decoder process on {spark['largest']} {spark['decoder'] / 2**20:.0f} MiB"
    yield ""
    usage = spark["profile"]
    yield f"where the CPU time goes, {usage['job']}, s (sampled; start: till the first Python task)"
    yield f"{'':<34}{'start':>9}{'after':>9}{'after, ms a volume':>20}"
    total = [0.0, 0.0]
    for kind, (start, after) in usage["classes"].items():
        yield f"{kind:<34}{start:>9.2f}{after:>9.2f}{after / usage['volumes'] * 1e3:>20.0f}"
        total = [total[0] + start, total[1] + after]
    yield f"{'all':<34}{total[0]:>9.2f}{total[1]:>9.2f}{total[1] / usage['volumes'] * 1e3:>20.0f}"
    yield f"{usage['core_seconds']:.2f} of them are core_seconds of the job's summary"
