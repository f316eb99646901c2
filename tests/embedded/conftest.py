"""State directories that the database's user can reach, and small programs to supervise."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.programs import ChildFactory, child_factory
from trimtab.embedded.supervisor import Supervisor


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """A folder of this test's own; pytest's are below one that is closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="trimtab-embedded-"))
    folder.chmod(0o711)
    yield folder / "state"
    shutil.rmtree(folder)


@pytest.fixture
def supervisor(state_dir: Path) -> Iterator[Supervisor]:
    with Supervisor(state_dir) as supervisor:
        yield supervisor


@pytest.fixture
def a_child(state_dir: Path) -> ChildFactory:
    return child_factory(state_dir.parent)
