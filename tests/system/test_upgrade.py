"""Through the life of a machine: upgrade, downgrade, reboot, removal. State, settings and alerts come along."""

import functools
import http.server
import json
import shutil
import threading

import pytest
from container import wait_for

from tests.fakes.smtp import Act

READ = """
import json, sqlite3, sys
print(json.dumps(sqlite3.connect("/var/lib/hybridd/state.db").execute(sys.argv[1]).fetchall()))
"""
AGE = """
import sqlite3
state = sqlite3.connect("/var/lib/hybridd/state.db")
state.execute("UPDATE schema_version SET version = version + 1")
state.commit()
"""
# The state as it was when all of hybridd was one user.
AS_BEFORE = """
chown -R hybridd:hybridd /var/lib/hybridd
chmod 0700 /var/lib/hybridd
chmod 0600 /var/lib/hybridd/state.db*
rm /var/lib/hybridd/web.toml
"""
EDITED = "# a line of the administrator's own\n"


@pytest.fixture(scope="module")
def running(machine):
    machine.run("systemctl", "enable", "--now", "hybridd")
    wait_for(lambda: number(machine, "SELECT count(*) FROM analyses") >= 2, 60, "two analyses")
    return machine


@pytest.fixture(scope="module")
def repository(next_package, tmp_path_factory):
    """A signed repository with the next version, on a web server of the host's loopback; its address and folder."""
    import apt_repo

    out = tmp_path_factory.mktemp("apt")
    apt_repo.make(next_package.parent, out)
    serve = functools.partial(Quiet, directory=str(out))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", out
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def rows(machine, sql):
    return json.loads(machine.out("python3", "-c", READ, sql))


def number(machine, sql):
    try:
        return rows(machine, sql)[0][0]
    except AssertionError:
        return 0


def installed(machine):
    return machine.out("dpkg-query", "-W", "-f=${Version}", "hybridd")


def test_apt_upgrade_keeps_state_settings_and_pending_alerts(running, repository, smtp, next_package):
    uri, folder = repository
    running.run("sh", "-c", "cat >> /etc/hybridd.toml", stdin=EDITED)
    # The mail server is having a bad day: what is to be told has to wait, through the upgrade.
    smtp.by_recipient["person@example.org"] = Act("rcpt", reply="451 4.3.0 try again later")
    running.run("hybridd", "alerts", "test", "email", "--real", check=False)
    pending = "SELECT count(*) FROM deliveries WHERE channel = 'email' AND state IN ('planned', 'leased', 'retry_wait')"
    wait_for(lambda: number(running, pending) >= 1, 30, "a mail that has to wait")
    alerts, analyses = (number(running, f"SELECT count(*) FROM {t}") for t in ("alerts", "analyses"))
    pid, mails = running.show("hybridd", "MainPID"), len(smtp.mails)

    running.run("mkdir", "-p", "/etc/apt/keyrings")
    running.run("sh", "-c", "cat > /etc/apt/keyrings/hybridd.asc", stdin=(folder / "hybridd.asc").read_text())
    source = f"Types: deb\nURIs: {uri}\nSuites: {running.release.codename}\nComponents: main\n"
    source += "Signed-By: /etc/apt/keyrings/hybridd.asc\n"
    # Only this one: the machine's own sources would upgrade half of Debian along the way.
    running.run("sh", "-c", "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*")
    running.run("sh", "-c", "cat > /etc/apt/sources.list.d/hybridd.sources", stdin=source)
    running.run("sh", "-ec", AS_BEFORE)
    running.run("apt-get", "update")
    running.run("apt-get", "upgrade", "-y")

    assert installed(running) == next_package.name.split("_")[1]
    assert running.show("hybridd", "ActiveState") == "active"
    assert running.show("hybridd", "MainPID") != pid, "the old version still runs"
    assert EDITED.strip() in running.out("cat", "/etc/hybridd.toml")
    assert running.out("stat", "--format=%a %U %G", "/etc/hybridd.toml") == "640 root hybridd"
    paths = (
        "/var/lib/hybridd",
        "/var/lib/hybridd/state.db",
        "/var/lib/hybridd/answer.key",
        "/var/lib/hybridd/web.toml",
    )
    assert running.out("stat", "--format=%a %U %G", *paths).splitlines() == [
        "2750 hybridd hybridd-web",
        "660 hybridd hybridd-web",
        "600 hybridd hybridd",
        "640 hybridd hybridd-web",
    ]
    assert number(running, "SELECT count(*) FROM analyses") >= analyses
    assert number(running, "SELECT count(*) FROM alerts") >= alerts
    assert number(running, pending) >= 1
    smtp.by_recipient.clear()
    wait_for(lambda: number(running, pending) == 0, 180, "the mail that had to wait")
    arrived = [mail.message_id for mail in smtp.mails[mails:]]
    assert arrived
    assert len(arrived) == len(set(arrived)), "a mail came twice"
    assert running.run("hybridd", "db", "verify").returncode == 0


def test_it_comes_back_by_itself_after_a_reboot(running):
    analyses = number(running, "SELECT count(*) FROM analyses")
    running.reboot()
    wait_for(lambda: running.show("hybridd", "ActiveState") == "active", 60, "the daemon after the reboot")
    assert running.show("hybridd-check.timer", "ActiveState") == "active"
    assert number(running, "SELECT count(*) FROM analyses") >= analyses


def test_a_downgrade_works_where_the_state_is_the_same(running, package):
    analyses = number(running, "SELECT count(*) FROM analyses")
    running.run("apt-get", "install", "-y", "--allow-downgrades", running.put(package))
    assert installed(running) == package.name.split("_")[1]
    wait_for(lambda: running.show("hybridd", "ActiveState") == "active", 60, "the older daemon")
    assert number(running, "SELECT count(*) FROM analyses") >= analyses


def test_a_state_of_a_newer_version_is_refused_and_left_alone(running):
    running.run("systemctl", "stop", "hybridd")
    running.run("cp", "-a", "/var/lib/hybridd", "/root/state")
    running.run("python3", "-c", AGE)
    before = running.out("sha256sum", "/var/lib/hybridd/state.db")
    assert running.run("systemctl", "start", "hybridd", check=False).returncode != 0
    assert running.show("hybridd", "ActiveState") == "failed"
    assert "newer" in running.out("systemctl", "status", "--no-pager", "hybridd", check=False)
    assert running.out("sha256sum", "/var/lib/hybridd/state.db") == before
    running.run("sh", "-c", "rm -rf /var/lib/hybridd && mv /root/state /var/lib/hybridd")
    running.run("systemctl", "reset-failed", "hybridd")
    running.run("systemctl", "start", "hybridd")


def test_removing_keeps_settings_and_state_and_purging_leaves_nothing(running, package):
    running.run("hybridd", "secrets", "set", "smtp_password", stdin="open sesame")
    running.run("apt-get", "remove", "-y", "hybridd")
    assert running.run("systemctl", "is-active", "hybridd", check=False).stdout.strip() != "active"
    assert running.run("systemctl", "list-timers", "--no-legend", "hybridd*").stdout == ""
    assert EDITED.strip() in running.out("cat", "/etc/hybridd.toml")
    assert "state.db" in running.out("ls", "/var/lib/hybridd")

    running.run("apt-get", "install", "-y", running.put(package))
    wait_for(lambda: "1" in running.out("sh", "-c", "ls /var/lib/hybridd | grep -c ^state.db$"), 5, "the state")
    running.run("systemctl", "start", "hybridd")

    running.run("apt-get", "purge", "-y", "hybridd")
    left = running.out("find", "/etc", "/usr", "/var/lib", "/home", "-name", "*hybridd*").splitlines()
    assert [path for path in left if not path.startswith(("/etc/apt/", "/var/lib/apt/"))] == []


def test_installed_by_hand_it_names_what_the_distribution_must_bring(machine, package, tmp_path):
    shutil.copy(package, tmp_path)
    depends = machine.out("sh", "-c", f"dpkg-deb -f {machine.put(package)} Depends")
    assert f"python{machine.release.python}" in depends
    assert "libsystemd0" in depends
