"""The table that a firm works with: the matrix, and the few changes that a firm may make to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trimtab.auth.matrix import CELLS, ON_BEHALF_BY_CHOICE, Cell, Operation, Role
from trimtab.domain.errors import TrimtabError

if TYPE_CHECKING:
    from collections.abc import Mapping


class InvalidPolicyTable(TrimtabError):
    """A firm's own table tries to change what no table may change."""

    code = "INVALID_POLICY_TABLE"


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """A firm's table: the matrix, with the cells that the firm has changed.

    `on_behalf` holds the rows of ON_BEHALF_BY_CHOICE that the firm opens to administrators acting on behalf.
    Raises InvalidPolicyTable for a change that no firm may make.
    """

    cells: Mapping[tuple[Operation, Role], Cell] = field(default_factory=lambda: CELLS)
    on_behalf: frozenset[Operation] = frozenset()

    def __post_init__(self) -> None:
        if self.on_behalf - ON_BEHALF_BY_CHOICE:
            raise InvalidPolicyTable("only rows 3, 16 and 17 can be opened to acting on behalf")
        for (operation, role), cell in self.cells.items():
            if operation is Operation.APPROVE_BY_SIGNAL and cell is not Cell.DENIED:
                raise InvalidPolicyTable("a signal can never approve trades")
            if role is Role.INTEGRATOR and cell & (Cell.PROPOSE | Cell.VERIFY):
                raise InvalidPolicyTable("a machine client can neither propose nor approve")

    def cell(self, operation: Operation, role: Role) -> Cell:
        """What `role` may do in the operation's row; DENIED where the table says nothing."""
        return self.cells.get((operation, role), Cell.DENIED)

    def with_cells(self, changed: Mapping[tuple[Operation, Role], Cell]) -> PolicyTable:
        """This table with some cells replaced, for example row 16 for advisors as OWN | VERIFY."""
        return replace(self, cells=MappingProxyType({**self.cells, **changed}))


MATRIX: Final = PolicyTable()
"""The table of a firm that has changed nothing."""
