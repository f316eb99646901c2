"""A filter as the JSON that it is kept and sent in: react-querybuilder's groups and rules."""

from typing import Any

from trimtab.domain.filters import FilterTree, Group, Rule


def json_of(tree: FilterTree) -> dict[str, Any]:
    """The JSON value of which `filters.parse_filter` makes the same tree."""
    return _node(tree)


def _node(node: Rule | Group) -> dict[str, Any]:
    if isinstance(node, Group):
        return {
            "combinator": node.combinator.value,
            "not": node.negated,
            "rules": [_node(child) for child in node.rules],
        }
    value = list(node.value) if isinstance(node.value, tuple) else node.value
    return {"field": node.field.name, "operator": node.operator.value, "value": value}
