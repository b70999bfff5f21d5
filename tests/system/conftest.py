"""The package on a real Debian: built, installed, started, broken and removed. `make test-system`, as root."""

import os
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "packaging" / "tools"), str(Path(__file__).parent)]

# A boot takes root, a minute and a network for the first root file system: only where it is asked for.
collect_ignore_glob = [] if os.environ.get("HYBRIDD_SYSTEM") == "1" else ["test_*.py"]

RELEASES = (os.environ.get("HYBRIDD_RELEASES") or "bookworm trixie").split()
MACHINES = ("machine", "running", "watched", "web")
FIGURES = pytest.StashKey[dict]()


def pytest_configure(config):
    config.stash[FIGURES] = {}


def pytest_generate_tests(metafunc):
    if "release" in metafunc.fixturenames:
        metafunc.parametrize("release", RELEASES, indirect=True, scope="session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A worker for each release, which boots one machine at a time."""
    from xdist.scheduler import LoadScopeScheduling

    class ByRelease(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return next((name for name in RELEASES if f"[{name}" in nodeid), nodeid)

    return ByRelease(config, log)


@pytest.fixture(scope="session")
def release(request):
    from releases import release_of

    return release_of(request.param)


@pytest.fixture(scope="session")
def package(release, tmp_path_factory):
    """The package of this source tree."""
    return built(release, "this", tmp_path_factory, "")


@pytest.fixture(scope="session")
def next_package(release, package, tmp_path_factory):
    """The same, called one version newer."""
    import deb

    major, minor, patch = deb.project_version().split(".")
    return built(release, "next", tmp_path_factory, f"{major}.{minor}.{int(patch) + 1}")


def built(release, name, tmp_path_factory, version):
    """A package, from $HYBRIDD_PACKAGES where it has been built before: for whoever writes these tests."""
    import deb

    kept = os.environ.get("HYBRIDD_PACKAGES")
    folder = Path(kept, name) if kept else tmp_path_factory.mktemp(name)
    found = sorted(folder.glob(f"hybridd_*~{release.label}_*.deb"))
    if found:
        return found[0]
    return deb.build(release, folder, version=version)


@pytest.fixture(scope="module")
def smtp():
    """A mail server on the host's loopback, which the machines share."""
    from tests.fakes.smtp import FakeSmtp

    with FakeSmtp(mode="none") as server:
        yield server


@pytest.fixture(scope="module")
def machine(release, package, smtp, figures):
    """A booted machine with the package installed and settings for a made-up market; nothing is started."""
    from container import Container

    with Container(release) as made:
        file = made.put(package)
        began = time.monotonic()
        made.run("apt-get", "install", "-y", file)
        figures.setdefault("install_seconds", []).append(time.monotonic() - began)
        made.write("/etc/hybridd.d/10-test.toml", SETTINGS.format(port=smtp.port))
        yield made


SETTINGS = """\
[market]
source = "simulated"

[email]
enabled = true
smtp_server = "127.0.0.1"
smtp_port = {port}
security = "none"
username = ""
password = ""
sender_email = "hybridd@example.org"
recipient_email = "person@example.org"
"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    machine = next((v for k, v in getattr(item, "funcargs", {}).items() if k in MACHINES), None)
    if report.when == "call" and report.failed and machine is not None:
        said = machine.run("journalctl", "--no-pager", "-n", "60", check=False).stdout
        report.sections.append(("the machine's journal", said))
    return report


@pytest.fixture(scope="session")
def figures(request, release):
    """What was measured on a release; printed at the end."""
    return request.config.stash[FIGURES].setdefault(release.codename, {})


def pytest_sessionfinish(session):
    # With xdist the figures are in the workers; they hand them on as they end.
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = session.config.stash[FIGURES]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    for name, found in getattr(node, "workeroutput", {}).get("figures", {}).items():
        node.config.stash[FIGURES].setdefault(name, {}).update(found)


LINES = (
    ("deb_mb", "package, MB"),
    ("installed_mb", "installed, MB"),
    ("install_seconds", "installation, s"),
    ("ready_seconds", "start to READY, s"),
    ("resident_mb", "resident memory, MB"),
    ("stop_seconds", "orderly end, s"),
    ("web_resident_mb", "resident memory of the web, MB"),
    ("cpu_seconds_a_cycle", "CPU for a close of two markets, s"),
    ("cpu_seconds_an_hour_of_rest", "CPU of an hour without a close, s"),
    ("cpu_seconds_an_hour", "CPU with candles of 5 min, s an hour"),
    ("security", "exposure (systemd-analyze security)"),
)


def pytest_terminal_summary(terminalreporter, config):
    for name, found in sorted(config.stash[FIGURES].items()):
        if found:
            terminalreporter.section(f"figures: {name}")
        for key, title in LINES:
            if key in found:
                value = min(found[key]) if isinstance(found[key], list) else found[key]
                text = f"{value:.2f}" if isinstance(value, float) else str(value)
                terminalreporter.write_line(f"{title:38} {text}")
