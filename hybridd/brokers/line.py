"""The signed line to one exchange: opened at the first use, its clock known, every failure sorted by its meaning."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from hybridd.brokers.dialects import BINANCE, Dialect
from hybridd.brokers.refusals import Fault, Meaning, Reply, fault_of
from hybridd.clock import Clock

T = TypeVar("T")
WINDOW_MS = 5_000
"""A request that reaches the exchange later than this after it was signed is refused there: what nobody has heard of
a minute later will not come about any more."""
ORDER_TYPES = ("MARKET", "LIMIT", "STOP_LOSS", "STOP_MARKET")
_SILENT = logging.getLogger("hybridd.brokers.silent")
_SILENT.disabled = True


class Line:
    """One ccxt object with keys. `opened` makes it and talks to nobody; one thread at a time uses a line."""

    def __init__(self, *, opened: Callable[[], Any], clock: Clock, dialect: Dialect = BINANCE) -> None:
        self._open, self._clock, self._dialect = opened, clock, dialect
        self._exchange: Any = None
        self._reply = Reply()
        self._given: dict[str, Mapping[str, Any]] = {}
        self._timed = False
        self._silent_until = float("-inf")

    @property
    def pause(self) -> float:
        """For how many seconds the exchange wants no request."""
        return max(0.0, self._silent_until - self._clock.monotonic())

    def use(self, market: Mapping[str, Any]) -> None:
        """Give the ccxt object a market, so that it never reads the whole list itself."""
        exchange, symbol = self._ready(), market["symbol"]
        if self._given.get(symbol) != market:
            others = [known for name, known in (exchange.markets or {}).items() if name != symbol]
            # The lists of markets leave out what is empty, and the raw entry, from which ccxt would read the types of
            # orders that a market takes: that is the exchange's to say.
            whole = exchange.safe_market_structure({**market, "info": {"orderTypes": list(ORDER_TYPES)}})
            exchange.set_markets([*others, whole])
            self._given[symbol] = market

    def ask(self, question: Callable[[Any], T]) -> T | Fault:
        """Put a question with keys; gives the answer or what its failure means, and never raises."""
        if self.pause:
            return Fault(meaning=Meaning.NOT_TAKEN, detail=f"it wants no request for {self.pause:.0f} s")
        if not self._timed:
            measured = self._asked(self._measure)
            if isinstance(measured, Fault):
                # Nothing but the time was asked for: whatever came of that, the question was not put.
                return Fault(meaning=Meaning.NOT_TAKEN, detail=measured.detail, pause=measured.pause)
        return self._asked(question)

    def close(self) -> None:
        """Let go of the connections; safe to call twice."""
        exchange, self._exchange = self._exchange, None
        self._given.clear()
        if exchange is not None:
            exchange.close()

    def _asked(self, question: Callable[[Any], T]) -> T | Fault:
        exchange = self._ready()
        self._reply = Reply()
        try:
            return question(exchange)
        except Exception as error:  # noqa: BLE001 - parsers stumble in any way over a wrong answer: none is an answer
            fault = fault_of(error, self._reply, self._dialect.own_codes, self._dialect.codes)
        if fault.pause:
            self._silent_until = self._clock.monotonic() + fault.pause
        if fault.clock:
            self._timed = False
        return fault

    def _measure(self, exchange: Any) -> bool:  # noqa: ANN401 - an exchange object is untyped
        began = exchange.milliseconds()
        server = exchange.fetch_time()
        if not isinstance(server, int):
            raise TypeError("its time is no number")
        exchange.options["timeDifference"] = (began + exchange.milliseconds()) // 2 - server
        self._timed = True
        return True

    def _ready(self) -> Any:  # noqa: ANN401 - an exchange object is untyped
        if self._exchange is None:
            self._exchange = self._prepared(self._open())
        return self._exchange

    def _prepared(self, opened: Any) -> Any:  # noqa: ANN401 - an exchange object is untyped
        fetch, heard = opened.fetch, opened.on_rest_response

        def noted_fetch(*args: object, **kwargs: object) -> object:
            self._reply = Reply(asked=True)
            answer = fetch(*args, **kwargs)
            if not isinstance(answer, dict | list):
                raise TypeError("it is no JSON object or list")
            return answer

        def noted_answer(status: int, *others: Any) -> object:  # noqa: ANN401 - ccxt's own arguments
            headers, body = others[3], others[4]
            said, code, message = refusal_of(body)
            wait = str(headers.get("Retry-After", "")).strip()
            pause = float(wait) if wait.isdigit() else None
            self._reply = Reply(asked=True, status=status, said=said, code=code, message=message, retry_after=pause)
            return heard(status, *others)

        opened.fetch, opened.on_rest_response = noted_fetch, noted_answer
        # ccxt's own log would show the key and signed addresses.
        opened.logger = _SILENT
        opened.options["recvWindow"] = WINDOW_MS
        return opened


def refusal_of(body: object) -> tuple[bool, str, str]:
    """Whether an answer is a JSON object or list, and the code and words of a refusal in it, "" where there are none.

    Such as {"code": -1013, "msg": "…"}; or with the order's own words inside, {"data": [{"sCode": "51008", …}]}.
    """
    try:
        answer = json.loads(body) if isinstance(body, str) else None
    except ValueError:
        return False, "", ""
    if not isinstance(answer, dict):
        return isinstance(answer, list), "", ""
    inner = answer.get("data")
    first = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) else {}
    code = _first(first, ("sCode",)) or _first(answer, ("code", "retCode", "ret_code", "error_code", "label"))
    words = _first(first, ("sMsg",)) or _first(answer, ("msg", "message", "retMsg", "err_msg", "error"))
    return True, code, words


def _first(facts: Mapping[str, Any], names: Sequence[str]) -> str:
    found = next((facts[name] for name in names if isinstance(facts.get(name), str | int | list)), "")
    return " ".join(map(str, found)) if isinstance(found, list) else str(found)
