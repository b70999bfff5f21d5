"""From the installed package to a service that works inside its sandbox."""

import json
import re
import tomllib

import pytest
from container import ROOT, wait_for

from hybridd.daemon.journal import EVENTS

UNITS = tomllib.loads((ROOT / "packaging" / "units.toml").read_text())
SERVICES = [name for name in UNITS if name.endswith(".service")]
TIMERS = [name for name, row in UNITS.items() if row["kind"] == "timer"]


def instance(unit):
    return unit.replace("@.", "@hybridd.service.")


@pytest.fixture(scope="module")
def running(machine):
    machine.write("/etc/hybridd.d/15-fast.toml", '[monitor]\ntimeframe = "5s"\n')
    machine.run("systemctl", "restart", "hybridd")
    wait_for(lambda: len(analyses(machine)) >= 2, 60, "two analyses")
    return machine


def analyses(machine):
    return machine.journal("-u", "hybridd", f"MESSAGE_ID={EVENTS['analysis']}")


def test_installs_within_a_minute_and_starts_nothing(machine, figures):
    assert min(figures["install_seconds"]) < 60
    assert machine.show("hybridd.service", "ActiveState") == "inactive"
    states = machine.out("systemctl", "list-unit-files", "--no-legend", "hybridd*").splitlines()
    found = {line.split()[0]: line.split()[1] for line in states}
    assert set(found) == set(UNITS)
    assert set(found.values()) == {"disabled", "static"}


def test_a_preset_enables_nothing_either(machine):
    machine.run("systemctl", "preset-all", check=False)
    assert machine.out("systemctl", "is-enabled", "hybridd", check=False) == "disabled"


def test_settings_and_state_belong_to_whom_they_should(machine):
    paths = ("/etc/hybridd.toml", "/etc/hybridd.d", "/var/lib/hybridd")
    found = machine.out("stat", "--format=%n %a %U %G", *paths).splitlines()
    assert found == [
        "/etc/hybridd.toml 640 root hybridd",
        "/etc/hybridd.d 750 root hybridd",
        "/var/lib/hybridd 2750 hybridd hybridd-web",
    ]
    assert machine.out("dpkg-query", "-W", "-f=${Conffiles}", "hybridd").split()[0] == "/etc/hybridd.toml"


def test_the_settings_as_they_are_shipped_are_good(machine):
    machine.run("mv", "/etc/hybridd.d/10-test.toml", "/root/")
    try:
        assert "settings are good" in machine.out("hybridd", "config", "check")
    finally:
        machine.run("mv", "/root/10-test.toml", "/etc/hybridd.d/")


def test_every_command_has_a_manual_page_and_every_shell_its_completion(machine):
    pages = machine.out("dpkg", "-L", "hybridd").splitlines()
    commands = re.findall(r"^  ([a-z][a-z-]*)  ", machine.out("hybridd", "--help"), re.MULTILINE)
    assert {"run", "status", "check", "backup", "restore", "secrets"} <= set(commands)
    for command in commands:
        assert any(page.endswith(f"/man1/hybridd-{command}.1.gz") for page in pages), command
    for part in ("bash-completion/completions/hybridd", "vendor-completions/_hybridd", "hybridd.fish", "man5/hybridd"):
        assert any(part in page for page in pages), part


@pytest.mark.parametrize("unit", SERVICES)
def test_the_sandbox_is_as_tight_as_the_table_says(machine, unit, figures):
    exposure = exposure_of(machine, instance(unit))
    figures["security"] = f"{figures.get('security', '')} {unit} {exposure}".strip()
    assert exposure <= UNITS[unit]["security"]


def test_the_optional_drop_in_shuts_out_private_networks(machine):
    drop_in = "/etc/systemd/system/hybridd.service.d/public.conf"
    machine.run("mkdir", "-p", "/etc/systemd/system/hybridd.service.d")
    machine.run("cp", "/usr/share/doc/hybridd/examples/public-addresses-only.conf", drop_in)
    machine.run("systemctl", "daemon-reload")
    try:
        assert exposure_of(machine, "hybridd.service") <= 0.9
    finally:
        machine.run("rm", drop_in)
        machine.run("systemctl", "daemon-reload")


def exposure_of(machine, unit):
    report = machine.out("systemd-analyze", "security", "--no-pager", unit, check=False)
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", report)[1])


def test_systemd_finds_nothing_wrong_with_the_units(machine):
    done = machine.run("systemd-analyze", "verify", "--man=no", *map(instance, UNITS), check=False)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "hybridd" in line]
    assert not complaints
    for timer in TIMERS:
        for when in re.findall(r"(?m)^OnCalendar=(.*)$", machine.out("systemctl", "cat", timer)):
            assert "Next elapse" in machine.out("systemd-analyze", "calendar", when)


# A write-ahead log lets readers by; this does not.
HOLD = """
import pathlib, sqlite3, time
state = sqlite3.connect("/var/lib/hybridd/state.db")
state.execute("PRAGMA locking_mode = EXCLUSIVE")
state.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
while not pathlib.Path("/run/let-go").exists():
    time.sleep(0.05)
"""


def open_files(machine, unit):
    """What the main process of a unit holds open; nothing where there is none yet."""
    return machine.out("sh", "-c", f"ls -l /proc/{machine.show(unit, 'MainPID')}/fd", check=False)


def test_start_ends_only_when_the_daemon_is_ready(machine):
    machine.run("systemctl", "start", "hybridd")
    machine.run("systemctl", "stop", "hybridd")
    with machine.start("python3", "-c", HOLD) as holder:
        assert holder.stdout.readline().strip() == "held"
        try:
            machine.run("systemctl", "start", "--no-block", "hybridd")
            wait_for(lambda: "/var/lib/hybridd/state.db" in open_files(machine, "hybridd"), 20, "it asks for the state")
            for _ in range(10):
                assert machine.show("hybridd", "ActiveState") == "activating"
        finally:
            machine.run("touch", "/run/let-go")
    wait_for(lambda: machine.show("hybridd", "ActiveState") == "active", 20, "READY")
    assert machine.show("hybridd", "NRestarts") == "0"


def test_the_status_line_tells_how_it_is(running):
    wait_for(lambda: "BTC/USDT" in running.show("hybridd", "StatusText"), 30, "a status line with analyses")
    status = running.out("systemctl", "status", "--no-pager", "hybridd")
    assert re.search(
        r'Status: "SIMULATED market, (ok|DEGRADED: [^|]+) \| BTC/USDT (LONG|SHORT|NEUTRAL) \d+, ETH', status
    )


def test_the_journal_keeps_facts_as_fields(running):
    entry = analyses(running)[-1]
    assert {"SYMBOL", "SCORE", "SIGNAL", "CONFIDENCE", "PRICE"} <= set(entry)
    assert entry["_SYSTEMD_UNIT"] == "hybridd.service"
    assert entry["SYSLOG_IDENTIFIER"] == "hybridd"


def test_the_journal_explains_every_kind_of_event(running):
    known = running.out("journalctl", "--list-catalog")
    assert not [name for name, identity in EVENTS.items() if identity not in known]
    text = running.out("journalctl", "-x", "--no-pager", "-u", "hybridd", f"MESSAGE_ID={EVENTS['analysis']}")
    assert "Subject: BTC/USDT was analysed" in text
    assert "hybridd history BTC/USDT" in text


@pytest.fixture
def bad_settings(running):
    running.write("/etc/hybridd.d/20-more.toml", "[monitor]\nsymbls = 3\n")
    yield
    running.run("rm", "/etc/hybridd.d/20-more.toml")
    running.run("systemctl", "reload", "hybridd")


def test_reload_takes_good_settings(running):
    running.write("/etc/hybridd.d/20-more.toml", '[monitor]\nsymbols = ["BTC/USDT", "ETH/USDT", "SOL/USDT"]\n')
    running.run("systemctl", "reload", "hybridd")
    wait_for(lambda: "SOL/USDT" in str(analyses(running)), 30, "an analysis of the new market")


def test_reload_refuses_bad_settings_and_goes_on(running, bad_settings):
    before = running.show("hybridd", "MainPID")
    assert running.run("systemctl", "reload", "hybridd", check=False).returncode != 0
    said = running.out("journalctl", "-u", "hybridd", "--no-pager", "-n", "30")
    assert "did you mean monitor.symbols" in said
    assert running.show("hybridd", "ActiveState") == "active"
    assert running.show("hybridd", "MainPID") == before

    # A signal by hand goes past the check: the daemon itself refuses.
    running.run("systemctl", "kill", "--kill-whom=main", "--signal=HUP", "hybridd")
    match = ("-u", "hybridd", f"MESSAGE_ID={EVENTS['reload_refused']}")
    wait_for(lambda: running.journal(*match), 20, "the daemon's refusal")
    assert running.show("hybridd", "MainPID") == before


@pytest.mark.parametrize("unit", [name for name in SERVICES if UNITS[name]["kind"] == "oneshot"])
def test_what_a_timer_starts_ends_well(running, unit):
    running.run("systemctl", "start", unit)
    assert running.show(unit, "Result") == "success"


def test_what_root_does_by_hand_the_service_can_go_on_with(running):
    for command in (("backup",), ("check",), ("status",), ("db", "verify")):
        running.run("hybridd", *command, check=False)
    running.run("systemctl", "start", "hybridd-backup", "hybridd-check")
    assert running.out("find", "/var/lib/hybridd", "!", "-user", "hybridd", "!", "-path", "*/backups/state-*.db") == ""


def test_the_timers_run_with_the_service(running):
    for timer in TIMERS:
        assert running.show(timer, "ActiveState") == "active"
        assert running.show(timer, "Unit") in UNITS
    assert running.out("ls", "/var/lib/hybridd/backups").startswith("state-")


PROBE = """
import json, os, pathlib, subprocess, sys
def tried(what):
    try:
        return what() or "done"
    except OSError as error:
        return error.strerror
    except subprocess.SubprocessError as error:
        return str(error)
def write(path):
    pathlib.Path(path, "probe").write_text("x"); os.unlink(path + "/probe")
writable = [d for d in ("/", "/etc", "/etc/hybridd.d", "/usr", "/usr/lib/hybridd", "/run", "/tmp", "/var", "/var/tmp",
    "/dev", "/dev/shm", "/var/lib/hybridd", "/root", "/home") if tried(lambda: write(d)) == "done"]
readable = [f for f in ("/etc/shadow", "/etc/gshadow", "/root/secret", "/srv/secret", "/etc/other-secret",
    "/proc/1/environ", "/proc/meminfo", "/etc/hybridd.toml") if tried(lambda: open(f).read(1)) in {"", "done"} or
    tried(lambda: open(f).close()) == "done"]
script = pathlib.Path("/var/lib/hybridd/probe.sh"); script.write_text("#!/bin/sh\\n"); script.chmod(0o700)
print(json.dumps({"uid": os.getuid(), "writable": writable, "readable": readable,
    "processes": [p for p in os.listdir("/proc") if p.isdigit() and os.stat("/proc/" + p).st_uid != os.getuid()],
    "shell": tried(lambda: subprocess.run(["/bin/sh", "-c", "true"], check=True) and "done"),
    "own_script": tried(lambda: subprocess.run([str(script)], check=True) and "done"),
    "interpreter": tried(lambda: subprocess.run([sys.executable, "-c", "import ccxt"], check=True) and "done"),
    "capabilities": [l.split()[1] for l in open("/proc/self/status") if l.startswith(("CapEff", "CapBnd"))],
}))
script.unlink()
"""


def test_inside_the_sandbox_only_the_state_can_be_written_and_no_foreign_secret_read(machine):
    for path in ("/root/secret", "/srv/secret", "/etc/other-secret"):
        machine.run("sh", "-c", f"umask 077; echo secret > {path}")
    machine.write("/usr/lib/hybridd/probe.py", PROBE, mode=0o644, group="root")
    # Its name gives it the sandbox that every unit of hybridd has.
    unit = "[Service]\nType=oneshot\nExecStart=/usr/lib/hybridd/bin/python3 -I /usr/lib/hybridd/probe.py\n"
    machine.write("/etc/systemd/system/hybridd-probe.service", unit, mode=0o644, group="root")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "hybridd-probe")
    said = [entry["MESSAGE"] for entry in machine.journal("-u", "hybridd-probe")]
    found = json.loads(next(line for line in said if line.startswith("{")))
    assert found["uid"] != 0
    assert found["writable"] == ["/tmp", "/var/tmp", "/var/lib/hybridd"]  # both tmp are its own and go with it
    assert found["readable"] == ["/etc/hybridd.toml"]
    assert found["processes"] == []
    assert found["shell"] == found["own_script"] == "Permission denied"
    assert found["interpreter"] == "done"
    assert set(found["capabilities"]) == {"0000000000000000"}


def test_a_secret_reaches_the_daemon_as_a_credential_only(machine):
    machine.run("hybridd", "secrets", "set", "smtp_password", stdin="open sesame")
    login = '[email]\nusername = "watcher"\npassword = {credential = "smtp_password"}\n'
    machine.write("/etc/hybridd.d/30-login.toml", login)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "hybridd")
    assert machine.show("hybridd", "ActiveState") == "active"
    pid = machine.show("hybridd", "MainPID")
    # Not in what other processes of the machine may read of it, and on the disk in no form that says it.
    assert "sesame" not in machine.out("sh", "-c", f"tr '\\0' ' ' < /proc/{pid}/cmdline")
    assert "sesame" not in machine.out("journalctl", "--no-pager", "-b")
    machine.run("systemctl", "start", "hybridd-check")
    assert "sesame" not in machine.out("journalctl", "--no-pager", "-b")
