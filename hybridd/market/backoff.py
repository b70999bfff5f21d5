"""When to try a failed source again: full jitter, so that many symbols do not knock at the same moment."""

import hashlib


class Backoff:
    """Per key, the next try after n failures lies evenly in [0, min(cap, base * 2**(n - 1))] seconds from now.

    Full jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. The draw depends on seed,
    key and attempt only, so that a run can be repeated. Times are monotonic seconds.
    """

    def __init__(self, *, base: float = 1.0, cap: float = 60.0, seed: int | str = 0) -> None:
        if not 0 < base <= cap:
            raise ValueError(f"base {base} must be above 0 and at most cap {cap}")
        self._base = base
        self._cap = cap
        self._seed = seed
        self._failures: dict[str, tuple[int, float]] = {}

    def failed(self, key: str, now_s: float, retry_after: float | None = None) -> float:
        """Count a failure; the time of the next try, never before `retry_after` seconds have passed."""
        attempt = self._failures.get(key, (0, 0.0))[0] + 1
        ceiling = min(self._cap, self._base * 2.0 ** min(attempt - 1, 60))
        delay = max(ceiling * self._draw(key, attempt), retry_after or 0.0)
        self._failures[key] = (attempt, now_s + delay)
        return now_s + delay

    def succeeded(self, key: str) -> None:
        """Forget the failures of `key`."""
        self._failures.pop(key, None)

    def due(self, key: str, now_s: float) -> bool:
        """Whether `key` may be tried at `now_s`; one that never failed always may."""
        return now_s >= self._failures.get(key, (0, now_s))[1]

    def wait(self, key: str, now_s: float) -> float:
        """Seconds until `key` may be tried; 0 for one that never failed."""
        return max(0.0, self._failures.get(key, (0, now_s))[1] - now_s)

    def _draw(self, key: str, attempt: int) -> float:
        digest = hashlib.blake2b(f"{self._seed}|{key}|{attempt}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64
