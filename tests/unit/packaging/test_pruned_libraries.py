"""What the package leaves out of the providers' libraries is nothing that sending needs."""

import runpy
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.fakes.firebase import service_account

STAGE = Path(__file__).resolve().parents[3] / "packaging" / "tools" / "stage.py"
SITE = Path(sysconfig.get_paths()["purelib"]).resolve()
WORK = {
    "twilio": """
from hybridd.delivery.sms_twilio import _connect
client = _connect("AC" + "0" * 32, "token", 5)
client.messages, client.api.v2010.accounts
""",
    "vonage": """
from hybridd.delivery.sms_vonage import _connect
_connect("key", "secret", 5)
import vonage_sms, vonage_account
""",
    "firebase": """
from pathlib import Path
from hybridd.delivery.push_firebase import _connect
_connect(Path(KEY), 5)
""",
    "rich": """
from rich.console import Console
from rich.traceback import Traceback
try:
    1 / 0
except ZeroDivisionError:
    Console(file=__import__("io").StringIO()).print(Traceback(show_locals=True))
""",
    "apprise": """
import apprise
apprise.Apprise().add("ntfy://example.org/topic")
""",
}


@pytest.mark.parametrize("name", WORK)
def test_the_package_keeps_what_a_channel_imports(name, tmp_path):
    key = str(service_account(tmp_path / "key.json"))
    told = (
        "import sys; print(*(m.__file__ for m in [*sys.modules.values()] if getattr(m, '__file__', None)), sep='\\n')"
    )
    code = WORK[name].replace("KEY", repr(key)) + told
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    files = {Path(line).resolve() for line in done.stdout.splitlines()}
    used = {file.relative_to(SITE) for file in files if file.is_relative_to(SITE)}
    assert any(file.parts[0].startswith(name) for file in used)
    stage = runpy.run_path(str(STAGE))
    gone = {path.relative_to(SITE) for pattern in stage["PRUNED"] for path in SITE.glob(pattern)}
    gone |= {
        path.relative_to(SITE)
        for folder, kept in stage["KEPT"].items()
        for path in (SITE / folder).glob("*")
        if path.name not in kept
    }
    assert [str(file) for file in used if {file, *file.parents} & gone] == []
