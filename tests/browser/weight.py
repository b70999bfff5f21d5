"""What the first page costs a telephone on a bad line: the bytes that come, and when it can be used.

python -m tests.browser.weight [MARKETS] prints it as one line of JSON.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from hybridd.clock import SystemClock
from hybridd.pipeline.heartbeat import SERVICE_KEY
from tests.browser.visit import Visit
from tests.unit.dashboard.test_market_rooms import course
from tests.unit.dashboard.web import Web

MARKETS = 20
# A slow 4G line and a cheap telephone, as Lighthouse takes them.
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
SLOWER = 4
USABLE = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


def settle(web, markets=MARKETS):
    """A house with as many markets, each with hours of analyses, and something that waits."""
    names = ["BTC/USDT", *(f"COIN{n:02}/USDT" for n in range(1, markets))]
    for name in names:
        course(web, symbol=name)
    web.house.turn(at=web.house.clock.now() + 1)
    told = {
        "state": "ok", "heartbeat_at": SystemClock().now(), "simulated": False, "wrong": [], "timeframe": "5m",
        "symbols": names,
    }  # fmt: skip
    web.house.store.bot_state.set(SERVICE_KEY, told)


def straight(visit):
    """Ask the house itself from now on: what the browser's helper of an earlier page hands out does not travel."""
    speaker = visit.context.new_cdp_session(visit.page)
    speaker.send("Network.enable")
    speaker.send("Network.setBypassServiceWorker", {"bypass": True})
    return speaker


def weigh(visit, path="/"):
    """The page opened by a browser that has kept nothing: its bytes as they travelled, and its times in ms."""
    speaker, kinds, sizes = straight(visit), {}, {}
    speaker.on("Network.responseReceived", lambda said: kinds.update({said["requestId"]: said["type"]}))
    speaker.on("Network.loadingFinished", lambda said: sizes.update({said["requestId"]: said["encodedDataLength"]}))
    speaker.send("Network.clearBrowserCache")
    speaker.send("Network.emulateNetworkConditions", LINE)
    speaker.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    visit.page.goto(path, wait_until="load")
    visit.page.wait_for_timeout(500)
    found = {}
    for request, size in sizes.items():
        kind = kinds.get(request, "Other").lower()
        found[kind] = found.get(kind, 0) + int(size)
    times = {name: visit.page.evaluate(how) for name, how in (("usable_ms", USABLE), ("painted_ms", PAINTED))}
    speaker.detach()
    return {"bytes": found, "all_bytes": sum(found.values()), **times}


def main(markets):
    """Five times, of which the middle one is said."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        web = Web(Path(folder))
        settle(web, markets)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        found = []
        for _ in range(5):
            visit = Visit(browser, web, size="phone")
            found.append(weigh(visit))
            visit.context.close()
        browser.close()
        web.close()
    print(json.dumps({"markets": markets, **sorted(found, key=lambda one: one["usable_ms"])[2]}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else MARKETS)
