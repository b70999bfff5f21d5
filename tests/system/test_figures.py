"""How large, how fast, how frugal. Printed at the end of the run; the goals are the limits."""

import re
import time

from container import wait_for

from hybridd.daemon.journal import EVENTS

STARTS = 5
"""The quickest counts: what a busy machine adds is not the daemon's."""
CYCLES_AN_HOUR = 12
"""Of candles of 5 minutes."""
CANDLE_S, CLOSES = 60, 2
WORK_S, REST_S = 12, 40
"""After a close: by then its analyses are done; and how long the quiet after that is measured."""


def test_the_package_is_small_and_built_the_same_twice(release, package, figures, tmp_path):
    import deb

    figures["deb_mb"] = package.stat().st_size / 1e6
    assert figures["deb_mb"] <= 60
    deb.check(release, package, "")


def test_it_is_ready_soon_and_asks_for_little(machine, smtp, figures):
    figures["installed_mb"] = int(machine.out("dpkg-query", "-W", "-f=${Installed-Size}", "hybridd")) / 1024
    machine.write("/etc/hybridd.d/15-fast.toml", SETTINGS)
    machine.run("systemctl", "start", "hybridd")
    wait_for(lambda: "BTC/USDT" in machine.show("hybridd", "StatusText"), 90, "an analysis since the start")
    starts, stops, work = [], [], []
    for _ in range(STARTS):
        stops.append(seconds(machine, "stop"))
        starts.append(seconds(machine, "start"))
        work.append(cpu_seconds(machine))
    figures["ready_seconds"], figures["stop_seconds"] = min(starts), max(stops)
    figures["ready_cpu_seconds"] = min(work)
    # What is imported once, with the first analyses and the first mail, is no cost of each hour.
    machine.run("hybridd", "alerts", "test", "email", "--real", check=False)
    wait_for(lambda: smtp.mails, 60, "a mail")

    cycle, rest = cpu_of_a_cycle_and_of_rest(machine)
    figures["cpu_seconds_a_cycle"], figures["cpu_seconds_an_hour_of_rest"] = cycle, rest * 3600
    figures["cpu_seconds_an_hour"] = CYCLES_AN_HOUR * cycle + 3600 * rest
    status = machine.out("cat", f"/proc/{machine.show('hybridd', 'MainPID')}/status")
    figures["resident_mb"] = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    assert figures["ready_seconds"] <= 2
    assert figures["stop_seconds"] <= 8  # 5, and what two machines on two cores add
    assert figures["resident_mb"] <= 150
    assert figures["cpu_seconds_an_hour"] <= 20


# A candle a minute, so that two of them can be waited for; and no news, whose charts and mails would be measured as if
# each candle had some.
SETTINGS = """\
[monitor]
timeframe = "1m"
[alerts]
score_jump = 100
score_drift = 100
confidence_high = 1
[analysis]
long_threshold = 100
short_threshold = 0
hysteresis = 0
"""


def seconds(machine, verb):
    began = time.monotonic()
    machine.run("systemctl", verb, "hybridd")
    return time.monotonic() - began


def cpu_of_a_cycle_and_of_rest(machine):
    """CPU seconds that a close of both markets costs, and those of a second in between, over whole candles."""
    to_close()
    used, analysed = cpu_seconds(machine), analyses(machine)
    resting = []
    for _ in range(CLOSES):
        time.sleep(WORK_S)
        before, began = cpu_seconds(machine), time.monotonic()
        time.sleep(REST_S)
        resting.append((cpu_seconds(machine) - before) / (time.monotonic() - began))
        to_close()
    assert analyses(machine) == analysed + 2 * CLOSES
    rest = sum(resting) / len(resting)
    return (cpu_seconds(machine) - used) / CLOSES - CANDLE_S * rest, rest


def to_close():
    """Sleep until just before a candle closes."""
    time.sleep((CANDLE_S - 0.5 - time.time()) % CANDLE_S)


def analyses(machine):
    return len(machine.journal("-u", "hybridd", f"MESSAGE_ID={EVENTS['analysis']}"))


def cpu_seconds(machine):
    return int(machine.show("hybridd", "CPUUsageNSec")) / 1e9
