"""The web on a booted machine: its own user, on demand, gone when nobody comes; it reads no secret of the watch."""

import contextlib
import http.client
import re
import socket
import urllib.error
import urllib.parse
import urllib.request

import pytest
from argon2 import PasswordHasher
from container import wait_for

SERVICE, SOCKET = "hybridd-dashboard.service", "hybridd-dashboard.socket"
STATE = "/var/lib/hybridd"
WATCHS_OWN = ("/etc/hybridd.toml", "/etc/hybridd.d/10-test.toml", f"{STATE}/answer.key", f"{STATE}/backups")
PASSWORD = "let me look, please"
HASH = PasswordHasher(memory_cost=16_384).hash(PASSWORD)
HASH_LINE = '[dashboard]\nidle_exit = "3s"\npassword_hash = {credential = "dashboard_password_hash"}\n'


@pytest.fixture(scope="module")
def port():
    """Of the web: machines share the host's network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def web(machine, port):
    """A machine whose watch has a secret, and whose web is asked for at `port`."""
    machine.run("mkdir", "-p", f"/etc/systemd/system/{SOCKET}.d")
    drop_in = f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{port}\n"
    machine.write(f"/etc/systemd/system/{SOCKET}.d/port.conf", drop_in, mode=0o644, group="root")
    machine.write("/etc/hybridd.d/20-fast.toml", '[monitor]\ntimeframe = "5s"\n[dashboard]\nidle_exit = "3s"\n')
    machine.write("/etc/hybridd.d/30-secret.toml", '[health]\nping_url = "http://127.0.0.1:9/open-sesame"\n')
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "hybridd")
    wait_for(lambda: "BTC/USDT" in machine.show("hybridd", "StatusText"), 60, "an analysis")
    machine.run("systemctl", "start", "hybridd-backup")
    machine.run("systemctl", "start", SOCKET)
    return machine


def answers(port):
    """What the web says of itself; asking it starts it."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def log_in(port, password):
    """The status of a try to log in."""
    body = urllib.parse.urlencode({"password": password})
    head = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{port}"}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/login", body, head)
        return connection.getresponse().status


def as_user(machine, user, *command):
    """Run a command outside of every sandbox, with nothing but the rights of a user."""
    return machine.run("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command, check=False)


def owner_of(machine, pid):
    return machine.out("stat", "--format=%U", f"/proc/{pid}")


def test_it_comes_when_it_is_asked_for_as_a_user_of_its_own_and_goes_again(web, port, figures):
    assert web.show(SERVICE, "ActiveState") == "inactive"
    assert answers(port) == 200
    pid = web.show(SERVICE, "MainPID")
    assert owner_of(web, pid) == "hybridd-web"
    assert owner_of(web, web.show("hybridd", "MainPID")) == "hybridd"
    status = web.out("cat", f"/proc/{pid}/status")
    figures["web_resident_mb"] = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024
    assert figures["web_resident_mb"] <= 80
    wait_for(lambda: web.show(SERVICE, "ActiveState") == "inactive", 30, "the end of a web that nobody asks")
    assert web.show(SERVICE, "Result") == "success"
    assert answers(port) == 200


@pytest.mark.parametrize("path", WATCHS_OWN)
def test_its_user_reads_nothing_of_the_watchs(web, path):
    assert web.run("ls", path).returncode == 0
    refused = as_user(web, "hybridd-web", "cp", "-r", path, "/tmp/stolen")
    assert "Permission denied" in refused.stderr


def test_its_user_changes_the_state_and_nothing_else_in_its_folder(web):
    for command in (
        ("mv", f"{STATE}/answer.key", f"{STATE}/old.key"),
        ("rm", "-f", f"{STATE}/web.toml"),
        ("touch", f"{STATE}/planted"),
        ("sh", "-c", f"echo >> {STATE}/web.toml"),
    ):
        refused = as_user(web, "hybridd-web", *command)
        assert refused.returncode != 0, command
        assert "ermission denied" in refused.stderr
    made = as_user(web, "hybridd-web", "hybridd", "dashboard", "token", "add", "probe", "--scope", "ack", *COPY)
    assert made.returncode == 0, made.stderr
    assert "probe" in web.out("hybridd", "dashboard", "token", "list")


COPY = ("--config", f"{STATE}/web.toml")


def test_it_is_told_of_the_settings_without_the_watchs_secrets(web):
    assert web.out("stat", "--format=%a %U %G", f"{STATE}/web.toml") == "640 hybridd hybridd-web"
    told = web.out("cat", f"{STATE}/web.toml")
    assert 'timeframe = "5s"' in told
    assert "sesame" not in told


def test_each_is_handed_its_own_secrets_alone(web, port):
    web.run("hybridd", "secrets", "set", "smtp_password", stdin="open sesame")
    web.run("hybridd", "secrets", "set", "dashboard_password_hash", stdin=HASH)
    web.write("/etc/hybridd.d/40-hash.toml", HASH_LINE)
    web.run("systemctl", "daemon-reload")
    web.run("systemctl", "restart", "hybridd")
    web.run("systemctl", "stop", SERVICE)
    assert log_in(port, "let me in") == 403
    assert log_in(port, PASSWORD) == 303
    given = {unit: web.out("ls", f"/run/credentials/{unit}").split() for unit in (SERVICE, "hybridd.service")}
    assert given == {SERVICE: ["dashboard_password_hash"], "hybridd.service": ["smtp_password"]}
    for user, unit, name in (
        ("hybridd", SERVICE, "dashboard_password_hash"),
        ("hybridd-web", "hybridd.service", "smtp_password"),
    ):
        refused = as_user(web, user, "cat", f"/run/credentials/{unit}/{name}")
        assert "ermission denied" in refused.stderr


def test_it_answers_while_the_watch_does_not_run_and_both_find_the_state_well_afterwards(web, port):
    web.run("systemctl", "stop", "hybridd", SERVICE)
    assert answers(port) == 200
    assert web.show("hybridd", "ActiveState") == "inactive"
    made = as_user(web, "hybridd-web", "hybridd", "dashboard", "token", "add", "alone", "--scope", "ack", *COPY)
    assert made.returncode == 0, made.stderr
    # Now the web is the last one to let go of the state.
    web.run("systemctl", "stop", SERVICE)
    web.run("systemctl", "start", "hybridd")
    assert answers(port) == 200
    assert "alone" in web.out("hybridd", "dashboard", "token", "list")
    assert web.run("hybridd", "db", "verify").returncode == 0
    found = web.out("find", STATE, "-maxdepth", "1", "-name", "state.db*", "-not", "-name", "*.lock", "-printf", FORM)
    assert set(found.splitlines()) == {"hybridd hybridd-web 660"}


FORM = "%u %g %m\\n"


def test_what_makes_an_answer_is_out_of_its_sandbox_too(web, port):
    assert answers(port) == 200
    pid = web.show(SERVICE, "MainPID")
    inside = web.out("stat", "--format=%a %s", f"/proc/{pid}/root{STATE}/answer.key")
    assert inside == "0 0"
