"""The bytes of a mail: stable ids, threads, and nothing that a title could smuggle in."""

from email import message_from_bytes, policy

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridd.delivery.mail import compose, image_id, to_bytes
from tests.unit.delivery.conftest import a_message

SENDER = "Night watch <hybridd@mail.example.org>"


def sent(**changes):
    return message_from_bytes(to_bytes(compose(a_message(**changes), SENDER), utf8=False), policy=policy.default)


def test_the_id_depends_on_the_key_and_the_senders_domain_alone():
    assert sent()["Message-ID"] == sent(title="other", text="other")["Message-ID"]
    assert sent()["Message-ID"] != sent(key="18:night@example.org:email:0")["Message-ID"]
    assert sent()["Message-ID"].endswith("@mail.example.org>")


def test_a_long_domain_does_not_fold_the_id():
    mail = compose(a_message(), f"hybridd@{'long.' * 20}example.org")
    (line,) = [part for part in to_bytes(mail, utf8=False).split(b"\r\n") if part.lower().startswith(b"message-id")]
    assert line.endswith(b"example.org>")


def test_mails_of_one_thread_refer_to_one_root():
    assert sent(key="1")["References"] == sent(key="2")["References"] == sent(key="2")["In-Reply-To"]
    assert sent(thread="ETH/USDT")["References"] != sent()["References"]
    assert sent(thread="")["References"] is None


def test_it_says_when_it_was_made_and_that_a_machine_made_it():
    mail = sent()
    assert mail["Date"].datetime.timestamp() * 1000 == 1_763_823_300_000
    assert mail["Auto-Submitted"] == "auto-generated"


def test_only_critical_mail_is_marked_urgent():
    assert sent(severity="critical")["X-Priority"] == "1"
    assert sent()["X-Priority"] is None


def test_it_is_readable_with_and_without_html():
    mail = sent(text="Größer → 78\n.dot\n", html="<p>Größer</p>")
    assert mail.get_content_type() == "multipart/alternative"
    assert mail.get_body(("plain",)).get_content().splitlines() == ["Größer → 78", ".dot"]
    assert "Größer" in mail.get_body(("html",)).get_content()


def test_no_line_is_longer_than_servers_take():
    raw = to_bytes(compose(a_message(text="x" * 5000, html="<p>" + "ü" * 5000), SENDER), utf8=False)
    assert max(len(line) for line in raw.split(b"\r\n")) < 998
    raw.decode("ascii")


@settings(max_examples=60, deadline=None)
@given(title=st.text(max_size=300), thread=st.text(max_size=60), text=st.text(max_size=300))
def test_no_text_adds_a_header_or_breaks_a_mail(title, thread, text):
    plain = {name.lower() for name in sent(title="x", thread="x", text="x").keys()}  # noqa: SIM118 - not a mapping
    mail = sent(title=title, thread=thread or "x", text=text)
    assert {name.lower() for name in mail.keys()} == plain  # noqa: SIM118
    assert len(mail.get_all("Subject")) == 1
    assert not mail.defects


CHART = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 230
SHOWN = f'<p>LONG</p><img src="cid:{image_id(a_message().key)}" alt="chart">'


def test_a_chart_travels_beside_the_html_that_shows_it_and_the_text_comes_first():
    mail = sent(html=SHOWN, image=CHART)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    picture = list(mail.walk())[-1]
    assert picture.get_content() == CHART
    assert f'src="cid:{picture["Content-ID"][1:-1]}"' in mail.get_body(("html",)).get_content()
    assert picture.get_content_disposition() == "inline"
    assert not mail.defects
    assert len(to_bytes(compose(a_message(html=SHOWN, image=CHART), SENDER), utf8=False)) < 100_000


def test_a_mail_with_a_chart_is_the_same_at_every_attempt():
    first, second = (to_bytes(compose(a_message(html=SHOWN, image=CHART), SENDER), utf8=False) for _ in range(2))
    assert first == second


def test_two_mails_never_share_the_name_of_their_chart():
    assert image_id("1:a:email:0") != image_id("2:a:email:0")


def test_a_chart_that_the_html_does_not_show_is_not_sent():
    assert "image/png" not in {part.get_content_type() for part in sent(image=CHART).walk()}
