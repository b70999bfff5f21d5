"""Passwords: made into an argon2id hash, and compared with one."""

import threading

from hybridd.errors import UsageError

SHORTEST, LONGEST = 10, 1024
# OWASP's second choice: 19 MiB, so that a small machine can bear it; more turns than it asks for.
MEMORY_KIB, TURNS, LANES = 19_456, 3, 1
_ONE_AT_A_TIME = threading.Lock()
"""Many tries at once must not take the memory of many."""


def make(password: str) -> str:
    """The hash of a password, for the settings. Raises UsageError for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"the password has {len(password)} characters", remedy=f"take {SHORTEST} to {LONGEST}: four words are good"
        )
    import argon2  # here and below: the web of somebody without a password does without

    return argon2.PasswordHasher(time_cost=TURNS, memory_cost=MEMORY_KIB, parallelism=LANES).hash(password)


def matches(hashed: str, password: str) -> bool:
    """Whether this is the password of that hash."""
    if len(password) > LONGEST:
        return False
    import argon2

    with _ONE_AT_A_TIME:
        try:
            return argon2.PasswordHasher().verify(hashed, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
