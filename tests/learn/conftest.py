from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from renwei.learn.snapshots import Orders

# The benchmark scripts are run from the root and are tested as they are.
ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
DATA = Path(__file__).resolve().parents[2] / "../shared/data"
DAY = 86_400.0


def _cdnow(path: Path, person: int) -> Orders:
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the repository")
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        rows = [words for line in file if (words := line.split()) and words[-3].isdigit()]
    day = np.array([f"{w[-3][:4]}-{w[-3][4:6]}-{w[-3][6:]}" for w in rows], dtype="datetime64[s]")
    return Orders(
        np.array([int(w[person]) for w in rows], dtype=np.int64),
        day.astype(np.float64),
        np.array([round(float(w[-1]) * 100) for w in rows], dtype=np.float64),
        {"units": np.array([float(w[-2]) for w in rows])},
    )


@pytest.fixture(scope="session")
def cdnow_sample() -> Orders:
    return _cdnow(DATA / "cdnow/CDNOW_sample.txt", 1)


@pytest.fixture(scope="session")
def cdnow() -> Orders:
    return _cdnow(DATA / "cdnow/CDNOW_master.txt.gz", 0)
