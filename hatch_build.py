"""Hatch's hook: the wheel carries the built pages. An installation without them works, with the API alone."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuildThePages(BuildHookInterface):  # type: ignore[type-arg]
    """Builds web/ into trimtab/_web before a wheel is put together.

    Not for editable installs, whose checkout is built by `python web/build.py`, nor with TRIMTAB_SKIP_WEB=1. When npm
    cannot be reached the wheel is built without pages, and says so; with TRIMTAB_REQUIRE_WEB=1, as releases set, that
    is an error.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or os.environ.get("TRIMTAB_SKIP_WEB") == "1":
            return
        pages = _builder(Path(self.root))
        try:
            pages.build()
        except pages.PagesNotBuilt as problem:
            if os.environ.get("TRIMTAB_REQUIRE_WEB") == "1":
                raise
            self._say(f"trimtab is installed WITHOUT its pages, with the API alone: {problem}")

    def _say(self, text: str) -> None:
        self.app.display_warning(text)
        sys.stderr.write(f"{text}\n")


def _builder(root: Path) -> ModuleType:
    spec = spec_from_file_location("trimtab_pages_build", root / "web" / "build.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(root / "web" / "build.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
