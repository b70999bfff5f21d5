"""Every page on a telephone and on a desk, by day and by night: whole, quiet, and readable by everybody."""

import pytest

from hybridd.clock import SystemClock
from hybridd.pipeline.heartbeat import SERVICE_KEY
from tests.unit.dashboard.test_market_rooms import course

PAGES = {
    "now": "/", "symbol": "/symbols/BTC/USDT", "past": "/symbols/BTC/USDT?at=1", "proposals": "/proposals",
    "proposal": "/proposals/1", "trades": "/trades", "journal": "/journal", "alerts": "/alerts", "alert": "/alerts/1",
    "brain": "/brain", "system": "/system", "settings": "/settings", "account": "/account", "devices": "/devices",
    "offline": "/offline",
}  # fmt: skip


def furnish(web, **facts):
    """A house in which something has happened."""
    course(web)
    course(web, symbol="ETH/USDT", degraded=True, answered=9, layers=15)
    web.house.turn(at=web.house.clock.now() + 1)
    told = {
        "state": "ok", "heartbeat_at": SystemClock().now(), "simulated": False, "wrong": [], "timeframe": "5m",
        "symbols": ["BTC/USDT", "ETH/USDT", "SOL/USDT"], **facts,
    }  # fmt: skip
    web.house.store.bot_state.set(SERVICE_KEY, told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_every_page_is_whole_quiet_and_readable(web, visit, size, scheme):
    furnish(web)
    here, wrong = visit(size=size, scheme=scheme), []
    for name, path in PAGES.items():
        answer = here.page.goto(path, wait_until="load")
        assert answer.status == 200, path
        here.page.wait_for_timeout(150)
        here.shot(name)
        wrong += [f"{path}: {found}" for found in here.violations()]
        if here.sideways() > 0:
            wrong.append(f"{path}: wider than the window by {here.sideways()}")
    assert wrong == []


def test_a_made_up_market_and_a_sick_watch_are_unmistakable(web, visit):
    furnish(
        web, simulated=True, state="degraded", wrong=["FEED_STALE BTC/USDT: 12 min old", "CHANNEL_DOWN email: refused"]
    )
    for scheme in ("light", "dark"):
        here = visit(size="phone", scheme=scheme)
        here.page.goto("/")
        here.shot("degraded")
        assert here.page.is_visible("text=SIMULATED: this market does not exist.")
        assert here.page.is_visible("text=hybridd is not well: degraded")
        assert here.violations() == []


def test_without_a_script_everything_can_be_read_and_answered(web, visit):
    furnish(web)
    made = web.house.store.proposals.open_ones()[0]
    here = visit(script=False)
    for path in PAGES.values():
        assert here.page.goto(path).status == 200
    token, code = web.link(made)
    here.page.goto(f"/a/{token}")
    here.page.fill("#code", code)
    here.page.click("text=Reject")
    assert here.page.is_visible("text=Your answer counts")


def test_the_keyboard_alone_leads_everywhere(web, visit):
    furnish(web)
    here = visit()
    here.page.goto("/")
    here.page.keyboard.press("Tab")
    assert here.page.evaluate("document.activeElement.textContent") == "To the content"
    here.page.keyboard.press("Enter")
    here.page.keyboard.press("Tab")
    assert here.page.evaluate("document.activeElement.closest('main') !== null")
    seen = []
    for _ in range(40):
        seen.append(here.page.evaluate("document.activeElement.getAttribute('href')"))
        # What has the focus is framed.
        assert here.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        if seen[-1] == "./symbols/ETH/USDT":
            break
        here.page.keyboard.press("Tab")
    here.page.keyboard.press("Enter")
    here.page.wait_for_url("**/symbols/ETH/USDT")
