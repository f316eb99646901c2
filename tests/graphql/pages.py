"""The pages' own documents: what web/src holds is what the tests send."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

SOURCES = Path(__file__).resolve().parents[2] / "web" / "src"


def page_document(name: str) -> str:
    """The operation of this name, with the fragments that it needs."""
    operations, fragments = _definitions()
    wanted: dict[str, FragmentDefinitionNode] = {}
    _need(operations[name], fragments, wanted)
    return "\n".join(print_ast(one) for one in (operations[name], *wanted.values()))


def operations() -> list[str]:
    """The names of all of the pages' operations."""
    return sorted(_definitions()[0])


@cache
def _definitions() -> tuple[dict[str, OperationDefinitionNode], dict[str, FragmentDefinitionNode]]:
    found: dict[str, OperationDefinitionNode] = {}
    fragments: dict[str, FragmentDefinitionNode] = {}
    for file in sorted(SOURCES.rglob("*.graphql")):
        for one in parse(file.read_text(encoding="utf-8")).definitions:
            if isinstance(one, OperationDefinitionNode) and one.name is not None:
                found[one.name.value] = one
            elif isinstance(one, FragmentDefinitionNode):
                fragments[one.name.value] = one
    return found, fragments


def _need(
    node: OperationDefinitionNode | FragmentDefinitionNode,
    fragments: dict[str, FragmentDefinitionNode],
    wanted: dict[str, FragmentDefinitionNode],
) -> None:
    spreads = _Spreads()
    visit(node, spreads)
    for name in spreads.names:
        if name not in wanted:
            wanted[name] = fragments[name]
            _need(fragments[name], fragments, wanted)


class _Spreads(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.names.append(node.name.value)
