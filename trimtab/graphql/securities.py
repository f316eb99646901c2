"""Securities as pages name them."""

import strawberry

from trimtab.graphql.context import Info


@strawberry.type
class Security:
    id: str
    symbol: str | None
    name: str
    asset_class: str | None


async def security_of(info: Info, security_id: str) -> Security | None:
    """As the newest security master has it; None when it does not have it any more."""
    row = await info.context.loaders.security.load(security_id)
    if row is None:
        return None
    return Security(id=row.security_id, symbol=row.symbol, name=row.name, asset_class=row.asset_class or None)


async def symbols_of(info: Info, security_ids: list[str]) -> dict[str, str]:
    """Symbols of those that have one."""
    rows = await info.context.loaders.security.load_many(security_ids)
    return {row.security_id: row.symbol for row in rows if row is not None and row.symbol}


async def asset_classes_of(info: Info, security_ids: list[str]) -> dict[str, str]:
    """Asset classes of those that have one."""
    rows = await info.context.loaders.security.load_many(security_ids)
    return {row.security_id: row.asset_class for row in rows if row is not None and row.asset_class}
