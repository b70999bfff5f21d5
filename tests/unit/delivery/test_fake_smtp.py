"""The fake mail server as a program of its own, as tests that kill processes use it."""

import json
import ssl
import subprocess
import sys
from pathlib import Path

from hybridd.delivery.email import EmailChannel
from hybridd.model.delivery import Failure
from tests.fakes.smtp import PASSWORD, USER
from tests.unit.delivery.conftest import RECIPIENT, a_message

ROOT = Path(__file__).resolve().parents[3]


def test_it_serves_another_process_and_keeps_a_ledger(tmp_path):
    ledger, script = tmp_path / "mails.jsonl", tmp_path / "script.json"
    command = [sys.executable, "-m", "tests.fakes.smtp", "--ledger", str(ledger), "--script", str(script)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            told = json.loads(process.stdout.readline())
            channel = EmailChannel(
                host="127.0.0.1",
                port=told["port"],
                security="starttls",
                username=USER,
                password=PASSWORD,
                sender="hybridd@example.org",
                recipients=(RECIPIENT,),
                tls_context=lambda: ssl.create_default_context(cafile=told["ca"]),
            )
            assert channel.send(a_message()).failure is None
            script.write_text(json.dumps({"*": {"phase": "content", "drop": True, "keep": True}}))
            assert channel.send(a_message(key="2")).failure is Failure.UNKNOWN
            script.write_text(json.dumps({RECIPIENT: {"phase": "rcpt", "reply": "550 5.1.1 gone"}}))
            assert channel.send(a_message(key="3")).failure is Failure.ADDRESS
        finally:
            process.terminate()
    assert len({json.loads(line)["message_id"] for line in ledger.read_text().splitlines()}) == 2
