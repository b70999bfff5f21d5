"""An account at a local exchange that speaks OKX's signed REST API (v5), spot and perpetuals.

The book behind it is that of the other local exchange: only how it is spoken to differs. A contract of BTC-USDT-SWAP is
0.01 BTC, as it is there. Give it to FakeBinance, which is the server, as `account`.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from tests.fakes.binance_orders import LOST, OPEN, Account, D, Refusal, Resting

CONTRACT = D("0.01")
LATE_MS = 30_000
_STATES = {"NEW": "live", "PARTIALLY_FILLED": "partially_filled", "FILLED": "filled", "CANCELED": "canceled",
           "FINISHED": "effective", "EXPIRED": "canceled"}  # fmt: skip


@dataclass
class OkxAccount:
    """`book` is what there is; `refuse` scripts an answer as OKX gives it: a code for the whole, or for the order."""

    book: Account = field(default_factory=Account)
    key: str = "key-of-the-test"
    secret: str = "secret-of-the-test"
    password: str = "passphrase-of-the-test"
    posts: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def prices(self):
        return self.book.prices

    @property
    def orders(self):
        return self.book.orders

    def of(self, client_id):
        return self.book.of(client_id.replace("-", ""))

    def refuse(self, code, message, *, method="POST", path="/batch-orders", status=200, times=1):
        self.refusals.append(Refusal(method, path, status, code, message, times))

    def takes(self, path: str) -> bool:
        return path.startswith("/api/v5/")

    def answer(self, method: str, path: str, raw: str, headers: Mapping[str, str], now: int) -> tuple[int, object]:
        if method == "POST" and "cancel" not in path:
            sent = json.loads(raw)
            self.posts.append((sent[0] if isinstance(sent, list) else sent)["clOrdId"])
        for script in self.refusals:
            if script.times and method == script.method and path.endswith(script.path):
                script.times -= 1
                return LOST if not script.status else _refused(script)
        if "/public/" in path or "/market/" in path:
            return 200, _data(*getattr(self, f"_{path.rsplit('/', 1)[1]}")(dict(parse_qsl(raw)), now))
        if bad := self._unsigned(method, path, raw, headers, now):
            return bad
        asked = json.loads(raw) if method == "POST" else dict(parse_qsl(raw))
        asked = asked[0] if isinstance(asked, list) else asked
        found = getattr(self, f"_{method.lower()}_{path.rsplit('/', 1)[1].replace('-', '_')}")(asked, now)
        return found if isinstance(found, tuple) else (200, _data(*found))

    def _unsigned(self, method, path, raw, headers, now):
        stamp = headers.get("OK-ACCESS-TIMESTAMP", "")
        wanted = stamp + method + path + (f"?{raw}" if method == "GET" and raw else raw)
        right = base64.b64encode(hmac.digest(self.secret.encode(), wanted.encode(), hashlib.sha256)).decode()
        if headers.get("OK-ACCESS-KEY") != self.key or headers.get("OK-ACCESS-PASSPHRASE") != self.password:
            return 401, {"code": "50111", "msg": "Invalid OK-ACCESS-KEY", "data": []}
        if headers.get("OK-ACCESS-SIGN") != right:
            return 401, {"code": "50113", "msg": "Invalid Sign", "data": []}
        at = datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() * 1000
        if abs(now - at) > LATE_MS:
            return 401, {"code": "50102", "msg": "Timestamp request expired", "data": []}
        return None

    def _time(self, _, now):
        return [{"ts": str(now)}]

    def _instruments(self, query, _):
        swap = query["instType"] == "SWAP"
        both = {
            "instType": query["instType"],
            "state": "live",
            "tickSz": "0.1",
            "lever": "10",
            "expTime": "",
            "stk": "",
        }
        if swap:
            kind = {"instId": "BTC-USDT-SWAP", "uly": "BTC-USDT", "settleCcy": "USDT", "ctVal": str(CONTRACT),
                    "ctValCcy": "BTC", "ctType": "linear", "lotSz": "0.1", "minSz": "0.1", "baseCcy": "",
                    "quoteCcy": "", "instIdCode": 7}  # fmt: skip
        else:
            kind = {"instId": "BTC-USDT", "baseCcy": "BTC", "quoteCcy": "USDT", "settleCcy": "", "ctVal": "",
                    "lotSz": "0.00001", "minSz": "0.00001", "uly": "", "instIdCode": 8}  # fmt: skip
        return [both | kind | {"maxLmtSz": "9999", "maxMktSz": "9999", "maxLmtAmt": "1000000", "maxMktAmt": "1000000"}]

    def _books(self, query, now):
        price = self.prices["BTCUSDT"]
        bids = [[str(price - k), "1", "0", "1"] for k in range(1, 6)]
        return [{"asks": [[str(price + k), "1", "0", "1"] for k in range(1, 6)], "bids": bids, "ts": str(now)}]

    def _post_batch_orders(self, asked, now):
        assert asked["tdMode"] == ("cross" if _swap(asked) else "cash")
        assert _swap(asked) or asked["tgtCcy"] == "base_ccy"
        return self._place(asked, now, price=asked.get("px"))

    def _post_order_algo(self, asked, now):
        assert (asked["ordType"], asked["slOrdPx"]) == ("conditional", "-1")
        assert asked["tdMode"] == ("cross" if _swap(asked) else "cash")
        order = asked | {"clOrdId": asked["algoClOrdId"], "ordType": "market"}
        return self._place(order, now, trigger=asked["slTriggerPx"])

    def _place(self, asked, now, price=None, trigger=None):
        name, swap = asked["clOrdId"], _swap(asked)
        assert name.isalnum()
        assert len(name) <= 32
        if self.book.of(name):
            return _refused(Refusal("", "", 200, 51016, "Duplicated client order ID", 1))
        order = Resting(
            id=7000 + len(self.orders), client_id=name, symbol="BTCUSDT", futures=swap, buy=asked["side"] == "buy",
            kind=asked["ordType"].upper(), quantity=D(asked["sz"]) * (CONTRACT if swap else 1),
            aside=trigger is not None, price=D(price) if price else None,
            trigger=D(trigger) if trigger else None, at=now,
            reduce_only=bool(asked.get("reduceOnly")),
        )  # fmt: skip
        if swap and D(asked["sz"]) % D("0.1"):
            return _refused(Refusal("", "", 200, 51121, "Order quantity must be a multiple of the lot size.", 1))
        if self.book._funds(order):
            return _refused(Refusal("", "", 200, 51008, "Order failed. Insufficient USDT balance in account", 1))
        self.orders.append(order)
        if order.kind == "MARKET" and not order.aside:
            self.book._fill(order, order.quantity * self.book.part)
        ids = {"algoId": str(order.id), "algoClOrdId": name} if order.aside else {"ordId": str(order.id)}
        return [ids | {"clOrdId": name, "tag": "", "sCode": "0", "sMsg": "", "ts": str(now)}]

    def _get_order(self, asked, _):
        return [_details(found)] if (found := self._found(asked, "clOrdId", "ordId", aside=False)) else _nothing(51603)

    def _get_order_algo(self, asked, _):
        return (
            [_details(found)] if (found := self._found(asked, "algoClOrdId", "algoId", aside=True)) else _nothing(51603)
        )

    def _post_cancel_order(self, asked, now):
        return self._cancel(self._found(asked, "clOrdId", "ordId", aside=False))

    def _post_cancel_algos(self, asked, now):
        return self._cancel(self._found(asked, "algoClOrdId", "algoId", aside=True))

    def _cancel(self, order):
        if order is None or order.status not in OPEN:
            return _nothing(51400)
        order.status = "CANCELED"
        return [{"ordId": str(order.id), "algoId": str(order.id), "clOrdId": order.client_id, "sCode": "0", "sMsg": ""}]

    def _get_fills_history(self, asked, _):
        assert asked["ordId"]
        found = [o for o in self.orders if str(o.id) == asked["ordId"] and not self.book.trades_late]
        return [_fill(order, trade) for order in found for trade in order.trades]

    def _get_balance(self, *_):
        rows = [{"ccy": name, "eq": str(value), "availEq": "", "availBal": str(value - self.book.locked(name)),
                 "frozenBal": str(self.book.locked(name))} for name, value in self.book.balances.items()]  # fmt: skip
        return [{"uTime": "1", "details": [{k: v for k, v in row.items() if k != "availEq"} for row in rows]}]

    def _get_positions(self, asked, _):
        held = self.book.positions.get("BTCUSDT", D(0))
        row = {"instId": "BTC-USDT-SWAP", "instType": "SWAP", "pos": str(held / CONTRACT), "posSide": "net",
               "mgnMode": "cross", "markPx": "30000", "notionalUsd": "0", "lever": "1", "avgPx": "30000", "upl": "0",
               "imr": "0", "mgnRatio": "1", "mmr": "0", "cTime": "1", "uTime": "1"}  # fmt: skip
        return [row] if held else []

    def _found(self, asked, name, number, *, aside):
        same = [o for o in self.orders if o.aside == aside and o.futures == _swap(asked)]
        if name in asked:
            return next((o for o in reversed(same) if o.client_id == asked[name]), None)
        return next((o for o in same if str(o.id) == asked[number]), None)


def _swap(asked):
    return asked["instId"].endswith("-SWAP")


def _data(*rows):
    return {"code": "0", "data": list(rows), "msg": ""}


def _refused(script):
    whole = str(script.code).startswith("50")
    if whole:
        return script.status, {"code": str(script.code), "msg": script.message, "data": []}
    row = {"clOrdId": "", "ordId": "", "sCode": str(script.code), "sMsg": script.message, "tag": ""}
    return script.status, {"code": "1", "data": [row], "msg": "All operations failed"}


def _nothing(code):
    return 200, {"code": str(code), "data": [], "msg": "Order does not exist"}


def _contracts(order, quantity):
    return str(quantity / CONTRACT if order.futures else quantity)


def _details(order):
    became = str(order.actual) if order.actual else ""
    ids = {"algoId": str(order.id), "algoClOrdId": order.client_id, "ordId": became} if order.aside else {
        "ordId": str(order.id), "accFillSz": _contracts(order, order.done), "avgPx": "", "px": str(order.price or "")
    }  # fmt: skip
    return ids | {
        "instId": "BTC-USDT-SWAP" if order.futures else "BTC-USDT", "instType": "SWAP" if order.futures else "SPOT",
        "clOrdId": "" if order.aside else order.client_id, "sz": _contracts(order, order.quantity),
        "side": "buy" if order.buy else "sell", "ordType": "conditional" if order.aside else order.kind.lower(),
        "state": _STATES[order.status], "cTime": str(order.at), "uTime": str(order.at), "fillTime": "", "fee": "0",
        "feeCcy": "USDT", "tgtCcy": "base_ccy", "reduceOnly": str(order.reduce_only).lower(), "slTriggerPx":
        str(order.trigger or ""), "slOrdPx": "-1" if order.aside else "", "attachAlgoOrds": [],
    }  # fmt: skip


def _fill(order, trade):
    return {
        "instId": "BTC-USDT-SWAP" if order.futures else "BTC-USDT", "instType": "SWAP" if order.futures else "SPOT",
        "tradeId": str(trade["id"]), "ordId": str(order.id), "clOrdId": order.client_id, "fillPx": str(trade["price"]),
        "fillSz": _contracts(order, D(str(trade["qty"]))), "side": "buy" if order.buy else "sell", "ts": str(order.at),
        "fee": str(-D(str(trade["commission"]))), "feeCcy": trade["commissionAsset"], "execType": "T",
    }  # fmt: skip
