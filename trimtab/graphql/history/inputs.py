"""A day's frozen inputs: the manifest that its account was ingested from."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import strawberry


@strawberry.type(description="A feed as the day read it. Without a delivery the code and the message say why.")
class FrozenFeed:
    kind: str
    delivery_id: strawberry.ID | None
    content_hash: str
    code: str
    message: str


@strawberry.type
class FrozenModel:
    model_id: str
    hash: str


@strawberry.type(description="Everything that the day's run read, by hash.")
class FrozenInputs:
    hash: str
    as_of: date = strawberry.field(description="The session whose holdings and closes these are.")
    market: str = strawberry.field(description="Hash of securities, closes and the risk model.")
    settings_seq: int = strawberry.field(description="Settings are those known at this version.")
    price_fault_policy: str
    feeds: list[FrozenFeed]
    models: list[FrozenModel]

    @classmethod
    def of(cls, digest: str, manifest: Mapping[str, Any]) -> "FrozenInputs":
        return cls(
            hash=digest,
            as_of=date.fromisoformat(manifest["as_of"]),
            market=manifest["market"],
            settings_seq=manifest["settings_seq"],
            price_fault_policy=manifest["price_fault_policy"],
            feeds=[
                FrozenFeed(
                    kind=kind,
                    delivery_id=strawberry.ID(feed["delivery_id"]) if feed["delivery_id"] else None,
                    content_hash=feed["content_hash"],
                    code=feed["code"],
                    message=feed["message"],
                )
                for kind, feed in sorted(manifest["feeds"].items())
            ],
            models=[FrozenModel(model_id=name, hash=digest) for name, digest in sorted(manifest["models"].items())],
        )
