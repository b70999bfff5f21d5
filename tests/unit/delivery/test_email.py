"""E-mail against a real SMTP server that plays every kind of trouble."""

import socket
import ssl
import time

import pytest

from hybridd.model.delivery import Failure, Outcome
from tests.fakes.smtp import PASSWORD, USER, Act, FakeSmtp
from tests.unit.delivery.conftest import RECIPIENT, a_message, channel_to

R, U, AD, M, AC = Failure.RETRY, Failure.UNKNOWN, Failure.ADDRESS, Failure.MESSAGE, Failure.ACCOUNT

ANSWERS = [
    ("connect", "421 4.3.2 shutting down", R),
    ("connect", "554 no service for you", AC),
    ("ehlo", "421 4.7.0 try again later", R),
    ("starttls", "454 TLS not available", R),
    ("auth", "535 5.7.8 bad credentials", AC),
    ("auth", "534 5.7.9 application-specific password required", AC),
    ("auth", "530 5.7.0 authentication required", AC),
    ("auth", "454 4.7.0 temporary authentication failure", R),
    ("mail", "530 5.7.0 authentication required", AC),
    ("mail", "553 5.1.8 sender address rejected", AC),
    ("mail", "451 4.3.0 later", R),
    ("mail", "552 5.3.4 message too big", M),
    ("rcpt", "550 5.1.1 no such user", AD),
    ("rcpt", "550 5.1.2 no such host", AD),
    ("rcpt", "553 5.1.3 malformed address", AD),
    ("rcpt", "550 5.1.10 null MX", AD),
    ("rcpt", "550 5.2.1 mailbox disabled", AD),
    ("rcpt", "550 no such user here", AD),
    ("rcpt", "554 5.7.1 relay access denied", AC),
    ("rcpt", "450 4.2.0 greylisted", R),
    ("rcpt", "452 4.2.2 over quota", R),
    ("rcpt", "550 5.4.5 daily user sending quota exceeded", R),
    ("data", "550 5.4.5 daily user sending quota exceeded", R),
    ("data", "451 4.3.0 later", R),
    ("data", "554 5.7.1 refused", M),
    ("content", "552 5.3.4 too big", M),
    ("content", "554 5.7.1 looks like spam", M),
    ("content", "550 5.6.0 bad content", M),
    ("content", "550 5.7.26 unauthenticated mail", M),
    ("content", "554 transaction failed", M),
    ("content", "452 4.3.1 disk full", R),
    ("content", "what was that", U),
]


@pytest.mark.parametrize(("phase", "reply", "failure"), ANSWERS, ids=[f"{p} {r}" for p, r, _ in ANSWERS])
def test_an_answer_is_filed_under_what_must_be_done_about_it(server, phase, reply, failure):
    server.next(Act(phase, reply=reply))
    outcome = channel_to(server).send(a_message())
    assert outcome.failure is failure, outcome
    assert phase == "content" or not server.mails
    if failure is not Failure.UNKNOWN:
        assert reply.split(" ", 1)[1].split(" ", 1)[-1] in outcome.detail


def test_a_daily_limit_waits_long_and_a_passing_trouble_does_not(server):
    channel = channel_to(server)
    server.next(Act("rcpt", reply="550 5.4.5 daily limit"), Act("rcpt", reply="450 4.2.0 greylisted"))
    assert channel.send(a_message()).retry_after >= 3600
    assert channel.send(a_message()).retry_after == 0


@pytest.mark.parametrize("phase", ["connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data"])
def test_a_connection_that_drops_before_the_text_is_tried_again(server, phase):
    server.next(Act(phase, drop=True))
    assert channel_to(server).send(a_message()).failure is Failure.RETRY
    assert not server.mails


@pytest.mark.parametrize("kept", [True, False])
def test_a_connection_that_drops_after_the_text_leaves_it_unknown(server, kept):
    server.next(Act("content", drop=True, keep=kept))
    assert channel_to(server).send(a_message()).failure is Failure.UNKNOWN
    assert len(server.mails) == kept


def test_silence_is_unknown_after_the_text_and_a_retry_before_it(server):
    channel = channel_to(server, timeout=0.25)
    server.next(Act("content", delay=30), Act("rcpt", delay=30), Act("connect", delay=30))
    begun = time.monotonic()
    assert [channel.send(a_message()).failure for _ in range(3)] == [U, R, R]
    assert time.monotonic() - begun < 5


def test_a_mail_arrives_encrypted_from_a_user_who_logged_in(server):
    outcome = channel_to(server).send(a_message())
    (mail,) = server.mails
    assert outcome == Outcome(provider_id=mail.message_id, detail=outcome.detail)
    assert "4F2A" in outcome.detail
    assert (mail.encrypted, mail.user, mail.recipient) == (True, USER, RECIPIENT)


def test_a_second_attempt_is_the_same_mail(server):
    server.next(Act("content", drop=True, keep=True))
    channel = channel_to(server)
    first, second = channel.send(a_message()), channel.send(a_message())
    assert (first.failure, second.failure) == (Failure.UNKNOWN, None)
    (twins,) = server.by_id.values()
    assert len(twins) == 2
    assert twins[0].raw == twins[1].raw


def test_tls_from_the_first_byte_works(authority):
    with FakeSmtp(mode="tls", ca=authority) as server:
        assert channel_to(server, security="tls").send(a_message()).failure is None
        assert server.mails[0].encrypted


def test_a_server_without_starttls_gets_nothing(authority):
    with FakeSmtp(mode="none", ca=authority) as server:
        outcome = channel_to(server).send(a_message())
        assert (outcome.failure, server.mails) == (Failure.ACCOUNT, [])
        assert "STARTTLS" in outcome.detail
        assert "→" in outcome.detail


def test_a_certificate_of_somebody_else_is_refused_and_tried_again(authority):
    with FakeSmtp(name="mail.elsewhere.test", ca=authority) as server:
        outcome = channel_to(server).send(a_message())
        assert outcome.failure is Failure.RETRY
        assert "certificate" in outcome.detail
        assert not server.mails


@pytest.mark.parametrize(("mode", "security"), [("starttls", "starttls"), ("tls", "tls")])
def test_an_unknown_authority_is_refused(authority, mode, security):
    with FakeSmtp(mode=mode, ca=authority) as server:
        outcome = channel_to(server, security=security, tls_context=ssl.create_default_context).send(a_message())
        assert outcome.failure is Failure.RETRY
        assert "SSL_CERT_FILE" in outcome.detail


def test_the_authority_can_come_from_the_environment(server, authority, tmp_path, monkeypatch):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert channel_to(server, tls_context=ssl.create_default_context).send(a_message()).failure is None


def test_a_password_never_crosses_a_network_in_the_clear(authority):
    with FakeSmtp(mode="none", ca=authority) as server:
        assert channel_to(server, security="none").send(a_message()).failure is None
        # 0.0.0.0 leads here as well, but is no name that is known to be this machine.
        outcome = channel_to(server, security="none", host="0.0.0.0").send(a_message())
        assert outcome.failure is Failure.ACCOUNT
        assert "in the clear" in outcome.detail
        assert (server.connections, len(server.mails)) == (1, 1)


def test_no_login_is_tried_without_a_user_name(authority):
    with FakeSmtp(mode="none", ca=authority) as server:
        assert channel_to(server, security="none", username="", password="").send(a_message()).failure is None
        assert server.mails[0].user == ""


def test_a_wrong_password_is_an_account_that_is_bad_and_is_not_shown(server):
    server.next(Act("auth", reply="535 5.7.8 wrong: not my password"))
    outcome = channel_to(server, password="not my password").send(a_message())
    assert outcome.failure is Failure.ACCOUNT
    assert "not my password" not in outcome.detail
    assert channel_to(server, password="wrong").send(a_message()).failure is Failure.ACCOUNT


def test_a_password_beyond_ascii_can_be_tried(server):
    assert channel_to(server, password="pässwörd").send(a_message()).failure is Failure.ACCOUNT


@pytest.mark.parametrize(
    ("recipient", "failure"),
    [("nobody", AD), ("", AD), ("a@b.c\r\nRCPT TO:<x@y.z>", AD), ("a@b.c, d@e.f", AD), ("<>", AD)],
)
def test_what_is_no_address_is_not_sent_to(server, recipient, failure):
    assert channel_to(server).send(a_message(recipient=recipient)).failure is failure
    assert server.connections == 0


def test_a_sender_that_is_no_address_is_the_accounts_fault(server):
    assert channel_to(server, sender="hybridd").send(a_message()).failure is Failure.ACCOUNT


def test_an_address_beyond_ascii_goes_where_it_can(authority):
    message = a_message(recipient="nächtens@example.org")
    with FakeSmtp(ca=authority) as server:
        assert channel_to(server).send(message).failure is None
        assert server.mails[0].recipient == "nächtens@example.org"
    with FakeSmtp(utf8=False, ca=authority) as server:
        assert channel_to(server).send(message).failure is Failure.ADDRESS


def test_nobody_there_is_tried_again():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with FakeSmtp(mode="none") as server:
        channel = channel_to(server, port=port)
        assert channel.send(a_message()).failure is Failure.RETRY
        assert channel_to(server, host="no-such-host.invalid").send(a_message()).failure is Failure.RETRY
        assert channel_to(server, host="ü" * 70).send(a_message()).failure is Failure.ACCOUNT


def test_check_logs_in_and_sends_nothing(server):
    channel = channel_to(server)
    assert channel.check().failure is None
    server.next(Act("auth", reply="535 5.7.8 no"))
    assert channel.check().failure is Failure.ACCOUNT
    assert not server.mails


def test_one_address_of_several_can_be_bad(server):
    server.by_recipient["gone@example.org"] = Act("rcpt", reply="550 5.1.1 gone")
    channel = channel_to(server)
    assert channel.send(a_message(recipient="gone@example.org")).failure is Failure.ADDRESS
    assert channel.send(a_message()).failure is None
    assert PASSWORD not in str(server.mails)
