"""What `trimtab demo` is asked for."""

from dataclasses import dataclass
from pathlib import Path

from trimtab.demo.errors import DataDirectoryUnusable, TooFewAccounts
from trimtab.demo.firm import DEFAULT_ACCOUNTS, DEFAULT_SEED
from trimtab.demo.roster import FEWEST_ACCOUNTS


@dataclass(frozen=True, slots=True)
class DemoOptions:
    accounts: int = DEFAULT_ACCOUNTS
    seed: int = DEFAULT_SEED
    data: Path | None = None
    new_day: bool = False
    serve: bool = False
    hold_reviews: bool = False
    as_json: bool = False

    @property
    def firm_id(self) -> str:
        """Each firm that the options describe is a firm of its own in the database."""
        if (self.accounts, self.seed, self.data) == (DEFAULT_ACCOUNTS, DEFAULT_SEED, None):
            return "demo"
        return f"demo-{'real-' if self.data else ''}{self.accounts}-{self.seed}"

    def check(self) -> None:
        """Refuse what cannot work before any server starts. Raises TooFewAccounts and DataDirectoryUnusable."""
        if self.accounts < FEWEST_ACCOUNTS:
            raise TooFewAccounts(f"the demo firm needs at least {FEWEST_ACCOUNTS} accounts, not {self.accounts}")
        if self.data is not None and not self.data.is_dir():
            raise DataDirectoryUnusable(f"{self.data} is no folder: name the one that holds prices/ and constituents/")
        for part in ("prices", "constituents"):
            if self.data is not None and not (self.data / part).is_dir():
                raise DataDirectoryUnusable(f"{self.data} is no folder of market data: it has no {part}/")
