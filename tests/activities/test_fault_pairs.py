"""Random pairs of faults in delivered files: nobody concerned goes on, nobody else differs by a byte (X11).

Two pairs a night, in different accounts. Some here; as many as wanted by
`python -m benchmarks.fault_pairs --through files`.
"""

from pathlib import Path

import pytest

from tests.activities.planted_files import failed_pairs, nights
from tests.servers import SessionServer

PAIRS = 50


@pytest.mark.covers("X11")
def test_pairs_of_faults_in_files_stop_whom_they_concern_and_nobody_else(
    postgres: SessionServer, migrated: str, tmp_path: Path
):
    with nights(postgres, migrated, tmp_path) as several:
        assert failed_pairs(several, PAIRS, seed=20) == []
