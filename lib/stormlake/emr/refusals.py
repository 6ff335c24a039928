"""Why no archive is made: one class for each way in which it would fail on the cluster."""

from __future__ import annotations

from stormlake.errors import RefusedInput


class PackageRefused(RefusedInput):
    """What was asked for would not run on the target; nothing was uploaded."""


class LockUnreadable(PackageRefused):
    """A line of the lock file that pins no package."""


class LockWithoutHashes(PackageRefused):
    """A package of the lock file has no hash, so that nobody knows what would be installed."""


class SparkInLock(PackageRefused):
    """PySpark or py4j in the lock file: the cluster's own, patched build must win."""


class WheelRefused(PackageRefused):
    """A locked package has no wheel for the target."""


class GlibcTooNew(WheelRefused):
    """Its wheel needs a newer glibc than the image has."""


class OtherCpu(WheelRefused):
    """Its wheels are for another CPU."""


class OtherPython(WheelRefused):
    """Its wheels are for other versions of Python, or another interpreter."""


class NewerPythonOnly(WheelRefused):
    """Its wheels begin with a newer Python than the image has."""


class OtherSystem(WheelRefused):
    """Its wheels are for another operating system, or another C library than glibc."""


class SourceOnly(WheelRefused):
    """It comes as source alone, and nothing is compiled here for another machine."""


class NotOnIndex(PackageRefused):
    """The package index does not have the locked version."""


class OtherContent(PackageRefused):
    """What the package index gave has none of the locked hashes."""


class FilesCollide(PackageRefused):
    """Two packages bring the same file, so that the order of installing would decide."""


class NoPyartForArm(PackageRefused):
    """Py-ART has no wheel for arm64."""


class FleetOfOtherCpu(PackageRefused):
    """An instance type of the fleet has another CPU than the archive is for."""


class CannotVerify(PackageRefused):
    """What would run on the cluster cannot run on this machine."""
