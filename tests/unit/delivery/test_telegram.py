"""Telegram: what the chat shows, what its answers mean, and what is heard from it."""

import html
import re
from dataclasses import replace

import pytest

from hybridd.alerts.compose import health_alert
from hybridd.daemon.journal import _CHATTY
from hybridd.delivery.render import message_for
from hybridd.delivery.telegram import CAPTION_LENGTH, TEXT_LENGTH, words
from hybridd.delivery.telegram_updates import Bookmark, bot_of
from hybridd.errors import ChannelError
from hybridd.model.change import Reason
from hybridd.model.delivery import Action, Delivery, DeliveryState, Failure
from hybridd.model.inbound import Inbound
from tests.fakes import providers as play
from tests.fakes.http_channels import CHAT, NOW, TELEGRAM, TOKEN, Telegram, problem, telegram
from tests.unit.delivery.conftest import a_message

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
R, U, AD, M, AC = Failure.RETRY, Failure.UNKNOWN, Failure.ADDRESS, Failure.MESSAGE, Failure.ACCOUNT


@pytest.fixture
def api(house):
    made = Telegram()
    house.serve(TELEGRAM, made.serve)
    return made


def message(**changes):
    return a_message(recipient=CHAT, **changes)


def test_the_chat_shows_title_body_and_link_and_markup_stays_text(house, api):
    outcome = telegram().send(
        message(title="A <b> & B", body="1 < 2\n& so", link="https://h.example.org/a?b=1&c=2", severity="info")
    )
    assert (outcome.failure, outcome.provider_id) == (None, f"{CHAT}/1")
    [shown] = house.phone
    assert shown.to == CHAT
    assert shown.text == (
        '<b>A &lt;b&gt; &amp; B</b>\n1 &lt; 2\n&amp; so\n<a href="https://h.example.org/a?b=1&amp;c=2">Open</a>'
    )
    assert shown.data["parse_mode"] == "HTML"
    assert shown.data["disable_notification"] is True


def test_what_was_written_for_a_chat_goes_as_it_is(house, api):
    telegram().send(message(chat="<b>LONG</b>\n\n<i>Alert 17</i>", link="https://h.example.org/"))
    [shown] = house.phone
    assert shown.text == '<b>LONG</b>\n\n<i>Alert 17</i>\n<a href="https://h.example.org/">Open</a>'


def test_an_alert_says_in_a_chat_what_happened_and_under_which_number(house, api):
    alert = replace(health_alert(Reason.FEED_STALE, "BTC/USDT", "too old", NOW, 60_000, simulated=False), id=17)
    delivery = Delivery(
        id=1, alert_id=17, channel="telegram", recipient=CHAT, step=0, state=DeliveryState.LEASED, attempts=1,
        next_at=NOW, deadline=NOW + 60_000,
    )  # fmt: skip
    telegram().send(message_for(alert, delivery, zone="UTC", repeat=False))
    [shown] = house.phone
    assert "<code>hybridd doctor</code>" in shown.text
    assert shown.text.endswith("<i>Alert 17</i>")


def test_good_news_is_silent_and_all_else_is_not(house, api):
    telegram().send(message(severity="critical"))
    assert house.phone[0].data["disable_notification"] is False


def test_actions_are_buttons_that_send_their_words_back(house, api):
    actions = (Action(label="Seen", data="ACK 17"), Action(label="No", data="x" * 65), Action(label=" ", data="y"))
    telegram().send(message(actions=actions))
    keyboard = house.phone[0].data["reply_markup"]["inline_keyboard"]
    assert keyboard == [[{"text": "Seen", "callback_data": "ACK 17"}]]


def test_a_picture_comes_with_the_words_below_it(house, api):
    telegram().send(message(image=PNG, actions=(Action(label="Seen", data="ACK 17"),)))
    [shown] = house.phone
    assert shown.data["photo"]
    assert "BTC/USDT LONG 78" in shown.text
    assert shown.data["reply_markup"] == {"inline_keyboard": [[{"text": "Seen", "callback_data": "ACK 17"}]]}
    assert house.requests[-1].path.endswith("/sendPhoto")


def test_where_the_picture_is_refused_the_words_go_alone_and_once(house, api):
    house.play(TELEGRAM, play.status(400, problem(400, "Bad Request: IMAGE_PROCESS_FAILED")))
    assert telegram().send(message(image=PNG)).failure is None
    assert [request.path.rpartition("/")[2] for request in house.requests] == ["sendPhoto", "sendMessage"]
    assert len(house.phone) == 1


def test_where_nobody_knows_of_the_picture_the_words_do_not_follow(house, api):
    house.play(TELEGRAM, play.accept_then_drop())
    assert telegram().send(message(image=PNG)).failure is U
    assert len(house.requests) == len(house.phone) == 1


ANSWERS = [
    (400, "Bad Request: can't parse entities: Unsupported start tag", M),
    (400, "Bad Request: message text is empty", M),
    (400, "Bad Request: chat not found", AD),
    (400, "Bad Request: group chat was upgraded to a supergroup chat", AD),
    (401, "Unauthorized", AC),
    (403, "Forbidden: bot was blocked by the user", AD),
    (403, "Forbidden: bot was kicked from the group chat", AD),
    (404, "Not Found", AC),
    (413, "Request Entity Too Large", M),
    (429, "Too Many Requests: retry after 35", R),
    (500, "Internal Server Error", U),
    (502, "Bad Gateway", U),
]


@pytest.mark.parametrize(("code", "said", "failure"), ANSWERS, ids=[f"{c} {s}" for c, s, _ in ANSWERS])
def test_an_answer_is_filed_under_what_must_be_done_about_it(house, api, code, said, failure):
    house.play(TELEGRAM, play.status(code, problem(code, said)))
    outcome = telegram().send(message())
    assert outcome.failure is failure
    assert said in outcome.detail
    assert not house.phone


def test_the_pause_that_telegram_asks_for_is_kept(house, api):
    house.play(TELEGRAM, play.status(429, problem(429, "Too Many Requests: retry after 35", retry_after=35)))
    assert telegram().send(message()).retry_after == 35


def test_a_group_that_moved_says_where_to(house, api):
    words = problem(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100888)
    house.play(TELEGRAM, play.status(400, words))
    assert "its chat_id is now -100888" in telegram().send(message()).detail


@pytest.mark.parametrize(
    "answer",
    [b"", b"<html>", b"[]", b'{"ok": false}', b'{"ok": true}', b'{"ok": true, "result": []}', b"[" * 100_000, b"\xff"],
)
def test_a_yes_that_cannot_be_read_leaves_it_unknown(house, api, answer):
    house.play(TELEGRAM, play.garbage(answer))
    assert telegram().send(message()).failure is U
    assert len(house.phone) == 1


def test_a_check_asks_for_bot_and_chat_and_writes_nothing(house, api):
    assert telegram().check().failure is None
    assert telegram(bot_token="999:unknown").check().failure is AC
    assert telegram(chat_id="5").check().failure is AD
    assert not house.phone


@pytest.mark.parametrize("length", [TEXT_LENGTH, CAPTION_LENGTH])
@pytest.mark.parametrize("body", ["x" * 9_000, "😀" * 9_000, "<&>" * 9_000, "a\ud800b" * 3_000, ""])
def test_what_is_too_long_is_cut_before_it_is_written_as_html(length, body):
    written = words(message(title="T" * 500, body=body, link="https://h.example.org/"), length)
    shown = html.unescape(re.sub(r"<[^>]+>", "", written))
    assert len(shown.encode("utf-16-le")) // 2 <= length
    assert re.sub(r"&(lt|gt|amp|quot|#x27);", "", written).count("&") == 0


NOW_S = NOW // 1000


def said(number, text, *, chat=int(CHAT), **more):
    return {
        "update_id": number,
        "message": {"message_id": number, "date": NOW_S, "chat": {"id": chat}, "text": text} | more,
    }


def pressed(number, data, *, chat=int(CHAT)):
    query = {
        "id": f"q{number}",
        "from": {"id": 5},
        "message": {"date": NOW_S - 900, "chat": {"id": chat}},
        "data": data,
    }
    return {"update_id": number, "callback_query": query}


def inbound(number, text):
    return Inbound(channel="telegram", sender=CHAT, text=text, id=str(number), at=NOW_S * 1000)


def test_words_and_buttons_are_heard_in_their_order(house, api):
    api.updates = [said(7, "ack 17"), pressed(8, "ACK 18")]
    assert list(telegram().poll()) == [inbound(7, "ack 17"), inbound(8, "ACK 18")]
    assert api.answered == ["q8"]


def test_another_chat_is_not_heard(house, api, caplog):
    api.updates = [said(7, "ACK 17", chat=5), pressed(8, "ACK 17", chat=5), said(9, "ACK 9")]
    assert [one.text for one in telegram().poll()] == ["ACK 9"]
    assert api.answered == []
    assert "another chat" in caplog.text


def test_a_public_group_is_known_by_its_name(house, api):
    update = said(7, "ACK 17")
    update["message"]["chat"]["username"] = "night_watch"
    api.updates = [update]
    assert [one.sender for one in telegram(chat_id="@night_watch").poll()] == ["@night_watch"]


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"update_id": 7},
        {"update_id": 7, "message": None},
        {"update_id": 7, "message": {"chat": {"id": int(CHAT)}, "photo": []}},
        {"update_id": 7, "message": {"chat": [], "text": "x"}},
        {"update_id": "7", "message": {"chat": {"id": int(CHAT)}, "text": "x"}},
        {"update_id": 7, "callback_query": {"id": "q", "data": "x"}},
        {"update_id": 7, "channel_post": {"chat": {"id": int(CHAT)}, "text": "x"}},
        5,
    ],
)
def test_what_is_not_in_words_is_passed_over(house, api, update):
    reply = {"ok": True, "result": [update, said(9, "ACK 9")]}
    house.play(TELEGRAM, play.status(200, reply))
    assert [one.text for one in telegram().poll()] == ["ACK 9"]


def kept(value=0):
    saved = [value]
    return saved, Bookmark(load=lambda: saved[-1], save=saved.append)


def test_what_was_heard_is_given_again_until_it_was_dealt_with(house, api):
    api.updates = [said(7, "ACK 17")]
    saved, bookmark = kept()
    first = telegram(bookmark=bookmark)
    assert [one.id for one in first.poll()] == ["7"]
    # It dies before the words are stored: whoever comes after hears them under the same id.
    assert [one.id for one in telegram(bookmark=bookmark).poll()] == ["7"]
    assert first.poll() == ()
    assert saved[-1] == 8
    assert telegram(bookmark=bookmark).poll() == ()


def test_each_bot_counts_for_itself_and_its_number_is_no_secret():
    assert bot_of(TOKEN) == "123456"


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (play.status(409, problem(409, "Conflict: terminated by other getUpdates request")), "only one program"),
        (play.status(401, problem(401, "Unauthorized")), "BotFather"),
        (play.status(429, problem(429, "Too Many Requests: retry after 5", retry_after=5)), "429"),
        (play.accept_then_drop(), "broke off"),
        (play.garbage(), "200"),
        (play.no_name(), "cannot be reached"),
    ],
    ids=["conflict", "token", "flood", "drop", "garbage", "name"],
)
def test_a_trouble_in_listening_is_said_without_the_token(house, api, act, words):
    channel = telegram()
    house.play(TELEGRAM, act)
    with pytest.raises(ChannelError, match=words) as caught:
        channel.poll()
    assert TOKEN not in str(caught.value)
    assert channel.poll() == ()


def test_the_token_stands_in_no_log(house, api, caplog):
    caplog.set_level("DEBUG")
    channel = telegram()
    channel.send(message())
    channel.poll()
    house.play(TELEGRAM, play.refused())
    channel.check()
    # Libraries that log whole addresses are silenced by the journal (hybridd.daemon.journal).
    telling = {record.name.partition(".")[0] for record in caplog.records if TOKEN in record.getMessage()}
    assert telling <= set(_CHATTY)
    assert TOKEN not in repr(channel)
