"""Order intents, blocks and their identities (reliability: order protocol)."""

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, NewType

from trimtab.domain.accounts import AccountId, HouseholdId
from trimtab.domain.errors import TrimtabError
from trimtab.domain.lots import LotId
from trimtab.domain.securities import SecurityId

IntentId = NewType("IntentId", str)
ClientOrderId = NewType("ClientOrderId", str)

LONGEST_ID: Final = 64
_HASH_CHARACTERS: Final = 26  # 130 bits in base 32


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class IntentStatus(StrEnum):
    PENDING = "PENDING"  # committed, in no block yet
    RELEASED = "RELEASED"  # member of a block
    FILLED = "FILLED"
    PARTIAL = "PARTIAL"  # the block is done, and less than the whole was allocated
    UNFILLED = "UNFILLED"
    REJECTED = "REJECTED"
    IN_DOUBT = "IN_DOUBT"


class BlockStatus(StrEnum):
    READY = "READY"  # frozen, not sent
    SENDING = "SENDING"  # about to be written to the socket: never sent again without asking the broker
    SENT = "SENT"
    ACKED = "ACKED"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    DONE = "DONE"  # closed with less than its quantity filled, maybe nothing
    REJECTED = "REJECTED"
    IN_DOUBT = "IN_DOUBT"  # nobody knows whether the broker has it: a person resolves

    @property
    def is_final(self) -> bool:
        return not BLOCK_STATUS_AFTER[self]


_FROM_BROKER: Final = frozenset(
    {BlockStatus.ACKED, BlockStatus.PARTIAL, BlockStatus.FILLED, BlockStatus.DONE, BlockStatus.REJECTED}
)

BLOCK_STATUS_AFTER: Final[Mapping[BlockStatus, frozenset[BlockStatus]]] = {
    BlockStatus.READY: frozenset({BlockStatus.SENDING, BlockStatus.DONE}),  # DONE: stopped before it was sent
    BlockStatus.SENDING: _FROM_BROKER | {BlockStatus.SENT, BlockStatus.IN_DOUBT},
    BlockStatus.SENT: _FROM_BROKER | {BlockStatus.IN_DOUBT},
    BlockStatus.ACKED: frozenset(
        {BlockStatus.PARTIAL, BlockStatus.FILLED, BlockStatus.DONE, BlockStatus.REJECTED, BlockStatus.IN_DOUBT}
    ),
    BlockStatus.PARTIAL: frozenset({BlockStatus.FILLED, BlockStatus.DONE, BlockStatus.IN_DOUBT}),
    # SENDING again only after the broker said "unknown" and the old session is proven dead.
    BlockStatus.IN_DOUBT: _FROM_BROKER | {BlockStatus.SENDING},
    BlockStatus.FILLED: frozenset(),
    BlockStatus.DONE: frozenset(),
    BlockStatus.REJECTED: frozenset(),
}


class IllegalBlockStatus(TrimtabError):
    """Raised when a block is to take a status that may not follow its present one."""

    code = "ILLEGAL_BLOCK_STATUS"


class WrongBlock(TrimtabError):
    """Raised for intents that cannot be blocked: no positive quantity, another business date, given twice."""

    code = "WRONG_BLOCK"


@dataclass(frozen=True, slots=True)
class LotClaim:
    """Shares of one lot that a sale takes, in the order of the proposal."""

    lot_id: LotId
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Intent:
    """One leg of an approved proposal, committed. Quantity is positive for buys and for sells."""

    id: IntentId
    account_id: AccountId
    household_id: HouseholdId
    business_date: date
    proposal_hash: str
    leg: int  # the trade's place in the proposal, from 0
    security_id: SecurityId
    wash_key: str
    side: Side
    quantity: Decimal
    reference_price: Decimal  # the close that the analysis used, dollars a share
    realizes_loss: bool
    lot_claims: tuple[LotClaim, ...]  # sum to quantity on a sale, empty on a buy
    programme: str
    commission: Decimal = Decimal(0)  # dollars for the order, when any of it fills


@dataclass(frozen=True, slots=True)
class Member:
    """An intent's part of a block."""

    intent_id: IntentId
    account_id: AccountId
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Block:
    """One order for many accounts: one security, side, broker and programme of one release."""

    client_order_id: ClientOrderId
    business_date: date
    release: int
    broker: str
    programme: str
    security_id: SecurityId
    side: Side
    members: tuple[Member, ...]  # by intent id

    @property
    def quantity(self) -> Decimal:
        """Shares to be sent: the sum of its members (I3)."""
        return sum((member.quantity for member in self.members), Decimal(0))


def intent_id(firm_id: str, account_id: str, business_date: date, proposal_version: int | str, leg: int) -> IntentId:
    """The permanent id of one leg. Equal parts give the same id, other parts another one."""
    return IntentId(_encode("i", firm_id, account_id, f"{business_date:%Y%m%d}", str(proposal_version), str(leg)))


def client_order_id(
    firm_id: str,
    business_date: date,
    release: int,
    security_id: str,
    side: Side,
    broker: str,
    programme: str,
) -> ClientOrderId:
    """The permanent id of a block at its broker (FIX ClOrdID), at most 64 characters of A-Z a-z 0-9 . _ - = ~."""
    day = f"{business_date:%Y%m%d}"
    return ClientOrderId(_encode("b", firm_id, day, str(release), security_id, side.value, broker, programme))


def _encode(*parts: str) -> str:
    """Join parts by dots so that no two lists give one text; a long text ends in a hash of the whole.

    A dot or any other special character inside a part is written as `=` and two hexadecimal digits a byte, so
    the dots stay the separators. A shortened text holds `~`, which a short one never does.
    """
    text = ".".join(_escape(part) for part in parts)
    if len(text) <= LONGEST_ID:
        return text
    digest = b32encode(hashlib.sha256(text.encode()).digest()).decode()[:_HASH_CHARACTERS]
    return f"{text[: LONGEST_ID - _HASH_CHARACTERS - 1]}~{digest}"


def _escape(part: str) -> str:
    return "".join(
        character
        if character.isascii() and (character.isalnum() or character in "_-")
        else "".join(f"={byte:02X}" for byte in character.encode())
        for character in part
    )


def form_blocks(
    intents: Iterable[Intent], *, firm_id: str, business_date: date, release: int, broker: str
) -> tuple[Block, ...]:
    """Block the intents of one release by security, side and programme; ordered by client order id.

    The same intents give the same blocks, in whatever order they come. Raises WrongBlock.
    """
    groups: dict[tuple[str, Side, SecurityId], dict[IntentId, Member]] = {}
    for intent in intents:
        if intent.quantity <= 0:
            raise WrongBlock(f"intent {intent.id} is for {intent.quantity} shares")
        if intent.business_date != business_date:
            raise WrongBlock(f"intent {intent.id} has the business date {intent.business_date}, not {business_date}")
        members = groups.setdefault((intent.programme, intent.side, intent.security_id), {})
        if intent.id in members:
            raise WrongBlock(f"intent {intent.id} was given twice")
        members[intent.id] = Member(intent.id, intent.account_id, intent.quantity)
    blocks = [
        Block(
            client_order_id(firm_id, business_date, release, security_id, side, broker, programme),
            business_date,
            release,
            broker,
            programme,
            security_id,
            side,
            tuple(members[each] for each in sorted(members)),
        )
        for (programme, side, security_id), members in groups.items()
    ]
    return tuple(sorted(blocks, key=lambda block: block.client_order_id))


def next_block_status(current: BlockStatus, following: BlockStatus) -> BlockStatus:
    """`following` when it may follow `current` or repeats it. Raises IllegalBlockStatus."""
    if following is not current and following not in BLOCK_STATUS_AFTER[current]:
        raise IllegalBlockStatus(f"a block that is {current} cannot become {following}")
    return following


def intent_status(block_status: BlockStatus, quantity: Decimal, allocated: Decimal) -> IntentStatus:
    """What a member's intent is, given its block and the shares allocated to it."""
    if block_status is BlockStatus.IN_DOUBT:
        return IntentStatus.IN_DOUBT
    if not block_status.is_final:
        return IntentStatus.RELEASED
    if allocated >= quantity:
        return IntentStatus.FILLED
    if allocated > 0:
        return IntentStatus.PARTIAL
    return IntentStatus.REJECTED if block_status is BlockStatus.REJECTED else IntentStatus.UNFILLED
