"""The demo firm's people: who they are, what they may do, and how they sign in on this machine."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from trimtab.auth.policy import Role


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One person of the demo firm. Advisors have a book: the accounts of their `advisor_id`."""

    username: str
    display_name: str
    roles: tuple[Role, ...]
    advisor_id: str | None = None


STAFF = (
    DemoPerson("olivia", "Olivia Overlay", (Role.OVERLAY_MANAGER,)),
    DemoPerson("oscar", "Oscar Overlay", (Role.OVERLAY_MANAGER,)),
    DemoPerson("carla", "Carla Compliance", (Role.COMPLIANCE,)),
    DemoPerson("ivan", "Ivan Investment", (Role.POLICY_COMMITTEE,)),
    DemoPerson("mary", "Mary Management", (Role.MANAGEMENT,)),
    DemoPerson("dan", "Dan Data", (Role.DATA_MANAGER,)),
    DemoPerson("ada", "Ada Admin", (Role.ADMINISTRATOR,)),
)
BROWSER_CLIENT = "trimtab-web"
INTEGRATOR_CLIENT = "demo-integrator"


def advisors(advisor_ids: tuple[str, ...]) -> tuple[DemoPerson, ...]:
    """One person for each book."""
    return tuple(
        DemoPerson(f"advisor{number}", f"Advisor {number}", (Role.ADVISOR,), advisor_id)
        for number, advisor_id in enumerate(sorted(advisor_ids), start=1)
    )


def demo_secrets(state_dir: Path, names: tuple[str, ...]) -> dict[str, str]:
    """A password for each name, made on first use and kept in the state directory, readable by its owner only."""
    path = secrets_file(state_dir)
    kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    missing = [name for name in names if name not in kept]
    if missing:
        kept |= {name: secrets.token_urlsafe(24) for name in missing}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=2, sort_keys=True)
    return kept


def secrets_file(state_dir: Path) -> Path:
    """Where the passwords are kept."""
    return state_dir / "demo-people.json"
