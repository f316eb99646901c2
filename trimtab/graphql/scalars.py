"""Scalars on the wire: money and quantities are text, so that no client turns them into floating point."""

from decimal import Decimal, InvalidOperation
from typing import Final

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from trimtab.domain.records import decimal_text


def _parse(value: object) -> Decimal:
    if not isinstance(value, str) or len(value) > 40:
        raise GraphQLError('a Decimal is a text such as "12.50"')
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        raise GraphQLError('a Decimal is a text such as "12.50"') from None
    if not parsed.is_finite():
        raise GraphQLError("a Decimal is a finite number")
    return parsed


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact number as text, plain notation, without trailing zeros.",
        serialize=decimal_text,
        parse_value=_parse,
    )
}
