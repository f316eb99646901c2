"""The mission's checklist, each promise with the tests that prove it (N22)."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trimtab.domain.errors import TrimtabError

PAGE = Path("docs/checklist.md")
UNPROVEN = Path("docs/checklist-unproven.md")
_ROW = re.compile(r"^\| (?P<id>[A-Z][A-Za-z0-9-]*) \| (?P<promise>.+) \|$")


class NoCheckout(TrimtabError):
    """The folder is not a checkout of trimtab."""

    code = "NO_CHECKOUT"


class UnknownPromise(TrimtabError):
    """A test says that it proves an id which the checklist does not have."""

    code = "UNKNOWN_PROMISE"


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    id: str
    promise: str
    tests: tuple[str, ...]  # "tests/domain/test_lots.py::test_..."


def read_checklist(root: Path) -> list[ChecklistItem]:
    """Each promise of the page with its tests, in the page's order. Raises NoCheckout, UnknownPromise."""
    page = root / PAGE
    if not page.exists():
        raise NoCheckout(f"{root.resolve()} has no {PAGE}: run this from a checkout, or name one by --checkout")
    promises = promises_of(page)
    proofs = proofs_in(root)
    strangers = sorted(set(proofs) - set(promises))
    if strangers:
        raise UnknownPromise(f"tests name ids that {PAGE} does not have: {', '.join(strangers)}")
    return [ChecklistItem(id_, promise, tuple(proofs.get(id_, ()))) for id_, promise in promises.items()]


def promises_of(page: Path) -> dict[str, str]:
    """Id to promise, from the page's table rows."""
    rows = (_ROW.match(line) for line in page.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row["promise"] for row in rows if row is not None and row["id"] != "id"}


def proofs_in(root: Path) -> dict[str, list[str]]:
    """Id to the tests that carry it in a `covers` mark, read from the source without running it."""
    proofs: dict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for name, ids in _marked(ast.parse(path.read_text(encoding="utf-8"))):
            for id_ in ids:
                proofs[id_].append(f"{path.relative_to(root)}::{name}")
    return proofs


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    module_ids = [id_ for node in tree.body if _is_pytestmark(node) for id_ in _covered(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            own = [id_ for decorator in node.decorator_list for id_ in _covered(decorator)]
            if own or module_ids:
                yield node.name, [*module_ids, *own]


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets
    )


def _covered(node: ast.AST) -> list[str]:
    """The ids of every `covers(...)` call inside the node."""
    return [
        argument.value
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "covers"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
