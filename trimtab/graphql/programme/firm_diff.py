"""In English: what the firm's programme, filters and lane policy say otherwise at one moment than at another."""

from collections.abc import Mapping
from datetime import date
from typing import Final

import strawberry
from sqlalchemy import Connection

from trimtab.auth.matrix import Operation
from trimtab.db.ancillary import fields_on, frozen_catalogue, json_of_fields
from trimtab.db.filter_versions import firm_filters_on
from trimtab.db.lane_policies import lane_policy_on
from trimtab.db.programme import Programme, read_programme
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import parse_filter
from trimtab.domain.lane_policy import policy_difference
from trimtab.domain.programme_differences import differences
from trimtab.graphql.access import guarded
from trimtab.graphql.context import Info
from trimtab.graphql.programme.query import require_reading
from trimtab.graphql.settings.moments import day_and_version
from trimtab.graphql.settings.types import Moment

_PARTS: Final = {
    "allocations": "Allocation",
    "products": "Product set",
    "variants": "Variant",
    "limits": "Customisation limits",
    "contracts": "Contract",
    "models": "Model",
}


@strawberry.type
class FirmDiffQuery:
    @guarded(
        Operation.SET_ASSET_ALLOCATION,
        description="In English: how the programme of one moment differs from another's: allocations, products, "
        "variants, limits, contracts and models.",
    )
    async def programme_diff(self, info: Info, before: Moment, after: Moment) -> list[str] | None:
        require_reading(info)

        def read(connection: Connection) -> list[str]:
            old, new = (read_programme(connection, *day_and_version(connection, each)) for each in (before, after))
            return _programme(old, new)

        return await info.context.reader.run(read)

    @guarded(
        Operation.READ_ACCOUNT,
        description="In English: how the firm's filters and lane policy of one moment differ from another's.",
    )
    async def firm_filters_diff(self, info: Info, before: Moment, after: Moment) -> list[str] | None:
        def read(connection: Connection) -> list[str]:
            old, new = (day_and_version(connection, each) for each in (before, after))
            told = _filters(_sentences(connection, old), _sentences(connection, new))
            policies = (lane_policy_on(connection, *each) for each in (old, new))
            return [*told, *(f"Lanes. {each}" for each in policy_difference(*policies))]

        return await info.context.reader.run(read)


def _programme(before: Programme, after: Programme) -> list[str]:
    parts = ((kind, getattr(before, name), getattr(after, name)) for name, kind in _PARTS.items())
    return [each for kind, old, new in parts for each in differences(kind, old, new)]


def _sentences(connection: Connection, moment: tuple[date, int]) -> dict[str, str]:
    """The firm's filters as they held, in the words of the fields that were known then."""
    on, seq = moment
    fields = frozen_catalogue(json_of_fields(fields_on(connection, None, seq)))
    held = firm_filters_on(connection, on, seq)
    return {name: sentence(parse_filter(each.value, fields)) for name, each in held.items()}


def _filters(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    gone = [f"Filter {name} is gone: {before[name]}" for name in before if name not in after]
    new = [f"Filter {name} is new: {after[name]}" for name in after if name not in before]
    both = (name for name in after if name in before and before[name] != after[name])
    return [*gone, *new, *(f"Filter {name}: {after[name]} Before: {before[name]}" for name in both)]
