from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.paper_process import PaperProcess


@pytest.fixture
def paper(tmp_path: Path) -> Iterator[PaperProcess]:
    """The files of a broker that the test starts itself."""
    process = PaperProcess(tmp_path)
    yield process
    process.clean_up()
