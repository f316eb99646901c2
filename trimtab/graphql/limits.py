"""What one document may ask for: depth, aliases, tokens, directives, operations, and rows in all."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
    Visitor,
    visit,
)
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter, SchemaExtension

from trimtab.graphql.errors import OnlySubscriptions, TooCostly
from trimtab.graphql.paging import DEFAULT_PAGE, LARGEST_PAGE

DEEPEST: Final = 10
MOST_ALIASES: Final = 15
MOST_TOKENS: Final = 1_000
MOST_DIRECTIVES: Final = 5
MOST_COST: Final = 10_000
"""Fields times rows: a page of a hundred accounts with all of their days' details is beyond it, twenty are not."""


def limit_extensions() -> list[Callable[[], SchemaExtension]]:
    """Factories: an extension belongs to one request."""
    return [
        lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
        lambda: QueryDepthLimiter(max_depth=DEEPEST),
        lambda: MaxAliasesLimiter(max_alias_count=MOST_ALIASES),
        RequestLimits,
    ]


class RequestLimits(SchemaExtension):
    """Adds the rules that need the request: its variables, its transport, and whether anybody is signed in."""

    def on_operation(self) -> Iterator[None]:
        request = self.execution_context
        context: Any = request.context
        rules: list[type[Any]] = [_cost_rule(request.variables or {}), _count_rule]
        if context is None or context.principal is None:
            rules.append(NoSchemaIntrospectionCustomRule)
        if context is not None and getattr(context.request, "scope", {}).get("type") == "websocket":
            rules.append(_SubscriptionsOnly)
        request.validation_rules = (*request.validation_rules, *rules)
        yield


class _count_rule(ValidationRule):  # noqa: N801  # a rule like graphql-core's, never named by anybody
    """One operation, few directives."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        counter = _DirectiveCounter()
        visit(context.document, counter)
        if counter.found > MOST_DIRECTIVES:
            context.report_error(TooCostly(f"at most {MOST_DIRECTIVES} directives in a document"))
        if len(_operations(context.document)) > 1:
            context.report_error(TooCostly("one operation in a document"))


class _SubscriptionsOnly(ValidationRule):
    """Queries and mutations are sent over HTTP, where one request is one transaction."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        if any(one.operation.value != "subscription" for one in _operations(context.document)):
            context.report_error(OnlySubscriptions("send queries and mutations by POST"))


class _DirectiveCounter(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = 0

    def enter_directive(self, *_: Any) -> None:
        self.found += 1


def _operations(document: DocumentNode) -> list[OperationDefinitionNode]:
    return [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]


def _cost_rule(variables: Mapping[str, Any]) -> type[ValidationRule]:
    class CostRule(ValidationRule):
        """Each field costs one per row of the pages around it."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            counter = _Cost(_fragments(context.document), variables)
            total = sum(counter.of(one.selection_set, frozenset()) for one in _operations(context.document))
            if total > MOST_COST:
                context.report_error(TooCostly(f"the document costs {total}, at most {MOST_COST}: ask for fewer rows"))

    return CostRule


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


class _Cost:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments = fragments
        self._variables = variables

    def of(self, selections: SelectionSetNode | None, inside: frozenset[str]) -> int:
        """The cost of a selection set; `inside` names the fragments around it, since they may form a circle."""
        return sum(self._of_one(node, inside) for node in selections.selections) if selections else 0

    def _of_one(self, node: Any, inside: frozenset[str]) -> int:
        if isinstance(node, FieldNode):
            return 1 + self._rows(node) * self.of(node.selection_set, inside)
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            known = self._fragments.get(name)
            return 0 if known is None or name in inside else self.of(known.selection_set, inside | {name})
        return self.of(node.selection_set, inside)

    def _rows(self, node: FieldNode) -> int:
        """Rows of the page that the field asks for. Without an argument a connection gives its default."""
        for argument in node.arguments or ():
            if argument.name.value == "first":
                return _number(argument.value, self._variables)
        return DEFAULT_PAGE if _is_connection(node) else 1


def _is_connection(node: FieldNode) -> bool:
    names = (
        {one.name.value for one in node.selection_set.selections if isinstance(one, FieldNode)}
        if (node.selection_set)
        else set()
    )
    return bool(names & {"edges", "pageInfo"})


def _number(value: Any, variables: Mapping[str, Any]) -> int:
    if isinstance(value, IntValueNode):
        given: object = int(value.value) if len(value.value) < 10 else LARGEST_PAGE
    else:
        given = variables.get(value.name.value, DEFAULT_PAGE) if isinstance(value, VariableNode) else LARGEST_PAGE
    return max(1, min(given, 10 * LARGEST_PAGE)) if isinstance(given, int) else LARGEST_PAGE
