"""The package's one definition; pyproject.toml holds tool settings only."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(
    r'__version__ = "([^"]+)"', (ROOT / "lib/stormlake/__init__.py").read_text(encoding="utf-8")
)
assert VERSION is not None

# One line each: why it is there. Exact versions stand in requirements/.
INSTALL = [
    "numpy",  # arrays
    "numba",  # the gridding and product kernels, compiled
    "recast-radar",  # decodes NEXRAD Level II, the hot path (Rust)
    "arm-pyart",  # decodes what recast refuses; the reference in tests
    "isal",  # inflates the archive's .gz years twice as fast as zlib, same interface
    "pyarrow",  # batches between Python and Spark; Parquet footers
    "boto3",  # S3 and the other services of AWS
    "krcf",  # Random Cut Forests, as AWS publishes them, in Rust
    "click",  # the command line
    "matplotlib",  # maps of a product
    "psutil",  # CPU time of all processes of a run
    "packaging",  # which wheels run where: the tags of PEP 425, read as pip reads them
]
EXTRAS = {
    # An extra, because on EMR the cluster's own Spark must win.
    "spark": ["pyspark>=3.5.6,<4.1"],
    "dev": [
        "pytest",
        "pytest-timeout",  # a hung process fails its test, not the build
        "hypothesis",  # property-based tests
        "ruff",
        "mypy",
        "moto[server,s3,scheduler,sns,dynamodb]",  # S3 and other services' protocols, as a server
        "jrcf",  # the official Java Random Cut Forest, which scores are compared with
        "cfn-lint",  # checks emr/template.yaml against CloudFormation's own schemas
        "statelint",  # checks emr/daily.asl.json
        "psycopg[binary]",  # PostgreSQL, which does the work of the stand-in for Redshift
        "duckdb",  # the second engine that every query must agree with
        "sqlglot",  # parses the SQL files: their lint, and the dialects of other engines
        "pandas",  # README's third reader
        "pandas-stubs",
        "types-psutil",
        "setuptools",  # builds the wheel in its test, without the network
        "wheel",
    ],
}

setup(
    name="stormlake",
    version=VERSION.group(1),
    description="PySpark batch jobs that turn radar and sensor archives into tables",
    license="Apache-2.0",
    python_requires="==3.11.*",
    # The wheel carries the very files that a checkout runs.
    package_dir={
        "": "lib",
        "stormlake.jobs": "jobs",
        "stormlake.sql": "sql",
        "stormlake.account": "emr",
        "stormlake.requirements": "requirements",
    },
    packages=[
        *find_packages("lib"),
        "stormlake.jobs",
        "stormlake.sql",
        "stormlake.account",
        "stormlake.requirements",
    ],
    package_data={
        "stormlake": ["py.typed", "log4j2.properties"],
        "stormlake.alerts": ["*.toml"],
        "stormlake.plots": ["*.csv"],
        "stormlake.radar": ["*.csv"],
        "stormlake.sql": ["**/*.sql"],
        "stormlake.account": ["*"],
        "stormlake.requirements": ["emr-*.lock", "jars.lock"],
    },
    install_requires=INSTALL,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["stormlake=stormlake.cli:main"]},
)
