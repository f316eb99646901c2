"""Passwords and client secrets at rest, and how fast they may be tried."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from functools import cache
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trimtab.auth.authorization_server.storage import SignInPerson

PASSWORD_CHARACTERS_AT_MOST: Final = 1024

_hasher: Final = PasswordHasher()
_DIGEST_KIND: Final = "sha256$"
# One verification holds 64 MiB for some 50 ms; more than two at a time would let strangers fill the machine.
_verifying: Final = threading.BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """An Argon2id hash with its salt and parameters, to be stored."""
    return _hasher.hash(password)


@cache
def _hash_of_nobody() -> str:
    """Verified when there is no such person, so that the answer takes as long as for a wrong password."""
    return hash_password(secrets.token_urlsafe())


def password_matches(person: SignInPerson | None, password: str) -> bool:
    """True for an active person's own password. Takes the same time for everybody, existing or not."""
    stored = person.password_hash if person is not None else _hash_of_nobody()
    if len(password) > PASSWORD_CHARACTERS_AT_MOST:
        return False
    with _verifying:
        try:
            _hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
    return person is not None and person.active


def new_client_secret() -> tuple[str, str]:
    """A secret for a machine client, to show once, and its hash, to store.

    The secret has 256 random bits, so a plain SHA-256 protects it: there is nothing to guess.
    """
    secret = secrets.token_urlsafe(32)
    return secret, hash_client_secret(secret)


def hash_client_secret(secret: str) -> str:
    """The hash of a secret of many random bits, to be stored."""
    return _DIGEST_KIND + digest(secret)


def client_secret_matches(secret_hash: str | None, secret: str) -> bool:
    """Whether the secret belongs to the hash from `new_client_secret`."""
    if secret_hash is None:
        return False
    return secrets.compare_digest(secret_hash, _DIGEST_KIND + digest(secret))


def digest(value: str) -> str:
    """SHA-256 in hexadecimal: what is stored of codes, tokens and secrets."""
    return hashlib.sha256(value.encode()).hexdigest()


class SignInThrottle:
    """Slows down guessing: after five failures of a name each further one doubles the wait, up to five minutes.

    An attempt counts as failed until `succeeded`, so attempts at the same time cannot slip through together.
    `monotonic` gives seconds and never goes back.
    """

    FREE_FAILURES: Final = 5
    WAIT_AT_MOST: Final = 300.0
    FORGOTTEN_AFTER: Final = 900.0
    NAMES_AT_MOST: Final = 10_000
    ATTEMPTS_PER_MINUTE: Final = 120

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._recent: list[float] = []

    def seconds_to_wait(self, username: str) -> float:
        """0 when this attempt may be made now (and counts), else how long to wait."""
        with self._lock:
            now = self._monotonic()
            self._recent = [at for at in self._recent if now - at < 60.0]
            if len(self._recent) >= self.ATTEMPTS_PER_MINUTE:
                return 60.0 - (now - self._recent[0])
            count, last_at = self._failures.get(_folded(username), (0, now))
            if now - last_at > self.FORGOTTEN_AFTER:
                count = 0
            wait = last_at + self._wait_after(count) - now
            if wait > 0:
                return wait
            self._recent.append(now)
            self._remember(_folded(username), count + 1, now)
            return 0.0

    def succeeded(self, username: str) -> None:
        """Forgets the failures of this name."""
        with self._lock:
            self._failures.pop(_folded(username), None)

    def _wait_after(self, failures: int) -> float:
        beyond = failures - self.FREE_FAILURES
        return 0.0 if beyond < 0 else min(2.0 ** min(beyond, 16), self.WAIT_AT_MOST)

    def _remember(self, name: str, failures: int, at: float) -> None:
        self._failures[name] = (failures, at)
        self._failures.move_to_end(name)
        while len(self._failures) > self.NAMES_AT_MOST:
            self._failures.popitem(last=False)


def _folded(username: str) -> str:
    return digest(username.strip().casefold())
