"""Which markets an exchange has, asked for in a short-lived child process: `python -m hybridd.market.markets`.

An exchange's full list is a JSON of 10 MB and more that grows to some hundred in Python and never goes back to the
system. The child reads it, and hands on one short line a market.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hybridd
from hybridd.clock import SystemClock
from hybridd.errors import DataError, FeedError, FeedUnavailable, RateLimited
from hybridd.market.connection import Connection

# What an exchange can leave out of its list; tried first, and without where it is refused.
_LEAN: dict[tuple[str, str], dict[str, str]] = {
    ("binance", "spot"): {"showPermissionSets": "false", "symbolStatus": "TRADING"},
}
# Their candles are asked for with a value that only the raw entry holds; everywhere else it is dropped.
_RAW_NEEDED = frozenset({"coinbaseinternational"})


@dataclass(frozen=True, slots=True)
class Listing:
    """One market: the exchange's own id, and the ccxt market as compact JSON (only those in use are unpacked)."""

    id: str
    packed: str

    def market(self) -> dict[str, Any]:
        """The market as `set_markets` takes it."""
        unpacked: dict[str, Any] = json.loads(self.packed)
        return unpacked


class MarketLoader:
    """Runs the child; at most one at a time. `deadline` in seconds, after which it is killed."""

    def __init__(self, *, exchange: str, market_type: str, base_url: str, timeout: float, deadline: float) -> None:
        self._exchange = exchange
        self._request = json.dumps(
            {"exchange": exchange, "market_type": market_type, "base_url": base_url, "timeout": timeout}
        )
        self._deadline = deadline
        self._child: subprocess.Popen[str] | None = None

    def load(self) -> dict[str, Listing]:
        """Symbol → listing of every active market of the type; raises FeedUnavailable or RateLimited."""
        answer = self._ask()
        fault = answer.get("fault")
        if fault == "RateLimited":
            raise RateLimited(answer["message"], retry_after=float(answer["retry_after"]))
        if fault is not None:
            raise FeedUnavailable(answer["message"], remedy=answer["remedy"])
        return {symbol: Listing(*entry) for symbol, entry in answer["markets"].items()}

    def close(self) -> None:
        """End the child, if there is one."""
        child = self._child
        if child is not None:
            child.kill()

    def _ask(self) -> dict[str, Any]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-P", "-m", "hybridd.market.markets"]
        try:
            with subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(), text=True
            ) as child:
                self._child = child
                try:
                    out, trouble = child.communicate(self._request, timeout=self._deadline)
                except subprocess.TimeoutExpired:
                    child.kill()
                    raise self._failed(f"no answer within {self._deadline:g} s") from None
                finally:
                    self._child = None
        except OSError as error:
            raise self._failed(f"no process could be started ({error})") from error
        try:
            answer: dict[str, Any] = json.loads(out)
        except ValueError:
            last = (trouble.strip().splitlines() or [f"the child ended with {child.returncode}"])[-1]
            raise self._failed(last[:120]) from None
        return answer

    def _failed(self, words: str) -> FeedUnavailable:
        return FeedUnavailable(f"{self._exchange} did not give its list of markets: {words}")


def _environment() -> Mapping[str, str]:
    """The child must find this very package, however the parent was started."""
    root = str(Path(hybridd.__file__).resolve().parents[1])
    known = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{known}" if known else root}


def list_markets(connection: Connection, market_type: str) -> dict[str, tuple[str, str]]:
    """Symbol → (id, packed market) of every active market of the type; raises FeedError."""
    lean = _LEAN.get((connection.name, market_type), {})
    what = "its list of markets"
    try:
        markets = connection.call(what, lambda exchange: exchange.load_markets(False, lean))
    except FeedUnavailable:
        if not lean or connection.reply.status != 400:
            raise
        markets = connection.call(what, lambda exchange: exchange.load_markets(True))
    wanted = [m for m in markets.values() if m.get("type") == market_type and m.get("active") is not False]
    if not wanted:
        raise FeedUnavailable(f"{connection.name} lists no {market_type} market", remedy="choose another market_type")
    return {m["symbol"]: (str(m["id"]), _packed(m, raw=connection.name in _RAW_NEEDED)) for m in wanted}


def _packed(market: Mapping[str, Any], *, raw: bool) -> str:
    kept = {k: v for k, v in market.items() if v is not None and (k != "info" or raw)}
    return json.dumps({**kept, "info": kept.get("info", {})}, separators=(",", ":"), default=str)


def main() -> int:
    """The child: settings as JSON on standard input, markets or fault as JSON on standard output."""
    settings = json.load(sys.stdin)
    answer: dict[str, object]
    try:
        connection = Connection(**settings, clock=SystemClock(), sleep=time.sleep)
        answer = {"markets": list_markets(connection, settings["market_type"])}
    except RateLimited as fault:
        answer = {"fault": "RateLimited", "message": fault.message, "retry_after": fault.retry_after}
    except (FeedError, DataError) as fault:
        answer = {"fault": type(fault).__name__, "message": fault.message, "remedy": fault.remedy}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    # Leaves without clearing up: taking apart some hundred megabytes of markets would cost a second and serve nobody.
    os._exit(0)


if __name__ == "__main__":
    main()
