"""Order intents, blocks and their identities (reliability: order protocol)."""

from enum import StrEnum


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"
