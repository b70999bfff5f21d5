"""How large, how fast, how frugal. Printed at the end of the run; the goals are the limits."""

import re
import time

from container import wait_for

MEASURED_S = 75


def test_the_package_is_small_and_built_the_same_twice(release, package, figures, tmp_path):
    import deb

    figures["deb_mb"] = package.stat().st_size / 1e6
    assert figures["deb_mb"] <= 60
    deb.check(release, package, "")


def test_it_is_ready_soon_and_asks_for_little(machine, figures):
    figures["installed_mb"] = int(machine.out("dpkg-query", "-W", "-f=${Installed-Size}", "hybridd")) / 1024
    # A candle a minute, so that the time measured holds an analysis of both markets; and no news, whose charts and
    # mails would be measured as if each minute had some.
    quiet = "[alerts]\nscore_jump = 100\nscore_drift = 100\nconfidence_high = 1\n[analysis]\nlong_threshold = 100\n"
    machine.write(
        "/etc/hybridd.d/15-fast.toml", f'[monitor]\ntimeframe = "1m"\n{quiet}short_threshold = 0\nhysteresis = 0\n'
    )
    machine.run("systemctl", "start", "hybridd")
    starts = []
    for _ in range(3):
        machine.run("systemctl", "stop", "hybridd")
        began = time.monotonic()
        machine.run("systemctl", "start", "hybridd")
        starts.append(time.monotonic() - began)
    figures["ready_seconds"] = min(starts)
    wait_for(lambda: "BTC/USDT" in machine.show("hybridd", "StatusText"), 90, "an analysis since the start")

    used = cpu_seconds(machine)
    began = time.monotonic()
    time.sleep(MEASURED_S)
    figures["cpu_seconds_an_hour"] = (cpu_seconds(machine) - used) / (time.monotonic() - began) * 3600
    status = machine.out("cat", f"/proc/{machine.show('hybridd', 'MainPID')}/status")
    figures["resident_mb"] = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024

    assert figures["ready_seconds"] <= 2
    assert figures["resident_mb"] <= 150
    assert figures["cpu_seconds_an_hour"] <= 20


def cpu_seconds(machine):
    return int(machine.show("hybridd", "CPUUsageNSec")) / 1e9
