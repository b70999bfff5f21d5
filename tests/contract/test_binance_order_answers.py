"""The local exchange's account answers as the real one's own specification says."""

import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request

import jsonschema
import pytest

from tests.contract.test_binance_answers import specification  # noqa: F401 - a fixture
from tests.fakes.binance import FakeBinance, wall_ms
from tests.fakes.binance_orders import Account, D
from tests.unit.market.exchange_parts import a_market


@pytest.fixture
def fake():
    with FakeBinance({"BTC/USDT": a_market()}, account=Account()) as made:
        made.account.balances["BTC"] = D(1)
        yield made


def ask(fake, method, path, *, secret=None, key=None, **query):
    query = {**query, "timestamp": wall_ms(), "recvWindow": 5000}
    raw = urllib.parse.urlencode(query)
    signature = hmac.new((secret or fake.account.secret).encode(), raw.encode(), hashlib.sha256).hexdigest()
    raw += f"&signature={signature}"
    body = raw.encode() if method == "POST" else None
    url = fake.url + path + ("" if body else f"?{raw}")
    request = urllib.request.Request(url, data=body, method=method, headers={"X-MBX-APIKEY": key or fake.account.key})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.3", "newClientOrderId": "one"}
STOP = {**MARKET, "side": "SELL", "type": "STOP_LOSS", "stopPrice": "29000", "newClientOrderId": "two"}
LIMIT = {**MARKET, "side": "SELL", "type": "LIMIT", "price": "31000", "quantity": "0.1", "newClientOrderId": "three"}
BY_NAME = {"symbol": "BTCUSDT", "origClientOrderId": "two"}
# Each after those before it: method, path, query, status.
DAY = [
    ("POST", "/api/v3/order", MARKET, 200),
    ("POST", "/api/v3/order", STOP, 200),
    ("POST", "/api/v3/order", STOP, 400),
    ("POST", "/api/v3/order", LIMIT, 200),
    ("POST", "/api/v3/order", {**MARKET, "quantity": "0.0000001"}, 400),
    ("POST", "/api/v3/order", {**MARKET, "quantity": "900"}, 400),
    ("GET", "/api/v3/order", BY_NAME, 200),
    ("GET", "/api/v3/order", {**BY_NAME, "origClientOrderId": "nobody"}, 400),
    ("GET", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, 200),
    ("GET", "/api/v3/account", {}, 200),
    ("GET", "/api/v3/myTrades", {"symbol": "BTCUSDT"}, 200),
    ("GET", "/api/v3/ticker/24hr", {"symbol": "BTCUSDT"}, 200),
    ("DELETE", "/api/v3/order", BY_NAME, 200),
    ("DELETE", "/api/v3/order", BY_NAME, 400),
]


def test_every_answer_of_a_day_has_the_specified_form(fake, specification):  # noqa: F811
    for method, path, query, status in DAY:
        got, body = ask(fake, method, path, **query)
        assert got == status, (method, path, body)
        schema = specification["paths"][path][method.lower()]["responses"][str(status)]
        schema = schema["content"]["application/json"]["schema"]
        if schema.get("oneOf") and method == "POST":
            schema = schema["oneOf"][-1]  # the full answer is one of the shorter ones too
        jsonschema.validate(body, {**schema, "components": specification["components"]})


def test_who_cannot_sign_is_refused(fake):
    assert ask(fake, "POST", "/api/v3/order", secret="guessed", **MARKET) == (
        400, {"code": -1022, "msg": "Signature for this request is not valid."},
    )  # fmt: skip
    assert fake.account.orders == []


def test_who_has_another_key_is_refused(fake):
    status, body = ask(fake, "GET", "/api/v3/account", key="another")
    assert (status, body["code"]) == (401, -2015)


def test_a_stale_request_is_refused(fake):
    real = fake.time
    fake.time = lambda: real() + 6_000
    assert ask(fake, "POST", "/api/v3/order", **MARKET)[1]["code"] == -1021
    assert fake.account.orders == []


def test_it_locks_what_waits_and_moves_what_trades(fake):
    account = fake.account
    ask(fake, "POST", "/api/v3/order", **MARKET)
    ask(fake, "POST", "/api/v3/order", **STOP)
    assert (account.balances["BTC"], account.locked("BTC")) == (D("1.3"), D("0.3"))
    account.move("BTCUSDT", 28_900)
    assert account.of("two")[0].status == "FILLED"
    assert account.balances["BTC"] == 1
    assert account.balances["USDT"] == 100_000 - D("0.3") * (30_000 - 28_900) - D("0.3") * 58_900 * account.rate
