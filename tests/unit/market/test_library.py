"""One exchange of ccxt is opened without importing the others, and ccxt stays whole for everybody else."""

import importlib
import subprocess
import sys

import pytest

from hybridd.errors import DataError
from hybridd.market.library import check_exchange_id, open_exchange


@pytest.fixture
def ccxt():
    """The whole package; imported late, so that the other tests have met the part of it that hybridd imports."""
    return importlib.import_module("ccxt")


def in_a_new_process(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_every_id_of_ccxt_is_known(ccxt):
    for exchange in ccxt.exchanges:
        check_exchange_id(exchange)
    for name in ("base", "pro", "Exchange", "__init__", "binance.py"):
        with pytest.raises(DataError):
            check_exchange_id(name)


def test_only_the_one_exchange_is_imported_and_the_package_comes_whole_when_asked():
    in_a_new_process("""
import sys
from hybridd.market.library import open_exchange
opened = open_exchange(exchange="binance", market_type="spot", base_url="", timeout=1)
assert "ccxt.kraken" not in sys.modules
import ccxt
assert "ccxt.kraken" not in sys.modules
assert issubclass(ccxt.BadSymbol, ccxt.ExchangeError)
assert "ccxt.kraken" in sys.modules
assert isinstance(opened, ccxt.binance) and ccxt.kraken().id == "kraken"
from ccxt import okx
from ccxt.base.errors import NetworkError
assert NetworkError is ccxt.NetworkError
try:
    ccxt.nothing_of_this_name
except AttributeError as error:
    assert "nothing_of_this_name" in str(error)
else:
    raise AssertionError
""")


def test_a_name_that_is_both_module_and_class_stays_the_class_for_other_code():
    in_a_new_process("""
from hybridd.market.library import open_exchange
opened = open_exchange(exchange="binanceusdm", market_type="swap", base_url="", timeout=1)
import ccxt
assert isinstance(ccxt.binance, type), ccxt.binance
assert type(opened) is ccxt.binanceusdm and issubclass(ccxt.binanceusdm, ccxt.binance)
import ccxt.base.errors
from ccxt.kraken import kraken
assert kraken is ccxt.kraken
""")


def addresses(value):
    if isinstance(value, dict):
        return [found for inner in value.values() for found in addresses(inner)]
    return [value] if isinstance(value, str) and value.startswith("http") else []


@pytest.mark.parametrize("exchange", ["binance", "kraken", "bybit", "okx", "kucoin", "coinbase", "gate", "bitfinex"])
def test_every_address_that_is_called_moves_to_the_base_url_with_its_path(exchange):
    base = "https://mirror.example:8443"
    settings = {"exchange": exchange, "market_type": "spot", "timeout": 1.0}
    moved = addresses(open_exchange(base_url=base + "/", **settings).urls["api"])
    stayed = addresses(open_exchange(base_url="", **settings).urls["api"])
    assert moved
    assert [m.removeprefix(base) for m in moved] == [
        "".join(s.split("/", 3)[3:] and ["/", s.split("/", 3)[3]]) for s in stayed
    ]


@pytest.mark.parametrize(("market_type", "kinds"), [("spot", ["spot"]), ("swap", ["linear", "inverse"])])
def test_only_markets_of_the_type_are_listed(market_type, kinds):
    opened = open_exchange(exchange="binance", market_type=market_type, base_url="", timeout=1.0)
    assert opened.options["fetchMarkets"]["types"] == kinds
    assert opened.options["defaultType"] == market_type


def test_the_library_itself_is_used_and_not_changed(ccxt):
    opened = open_exchange(exchange="binance", market_type="spot", base_url="https://mirror.example", timeout=1.0)
    assert type(opened) is ccxt.binance
    assert addresses(ccxt.binance().urls["api"])[0].startswith("https://api.binance.com")
