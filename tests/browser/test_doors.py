"""Through the door and to a decision: password and code, from the alert's link to an answer, and two at once."""

import re

import pytest

from hybridd.dashboard.one_time_codes import bytes_of, hotp, step_of
from hybridd.delivery.memory import MemoryChannel
from hybridd.model.alert import AlertState
from hybridd.model.delivery import DeliveryEvent, DeliveryState
from hybridd.model.proposal import ProposalState
from tests.browser.test_pages import furnish
from tests.unit.dashboard.test_login import HASHES, RIGHT
from tests.unit.dashboard.web import Web
from tests.unit.pipeline.house import put

SIZES = pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desktop", "light")])


@pytest.fixture
def web(tmp_path):
    made = Web(tmp_path, hashes=HASHES)
    yield made
    made.close()


def code_of(web, secret):
    return hotp(bytes_of(secret), step_of(web.house.clock.now()))


def enter(here, password=RIGHT, code=""):
    here.page.fill("#password", password)
    if code:
        here.page.fill("#one-time-code", code)
    here.page.click("main button")
    here.page.wait_for_load_state()


def forgive(here, status):
    """The browser itself says on the console that an answer was a refusal."""
    here.said = [line for line in here.said if f"status of {status}" not in line]


@SIZES
def test_a_password_and_then_a_code_open_the_page_that_was_wanted(web, visit, size, scheme):
    furnish(web)
    here = visit(size=size, scheme=scheme, log_in=False)
    here.page.goto("/alerts/1")
    here.shot("login")
    assert here.violations() == []
    assert "BTC" not in here.page.content()
    enter(here, "a guess")
    assert here.page.is_visible("text=That was not right")
    enter(here)
    here.page.wait_for_url("**/alerts/1")
    forgive(here, 401)
    forgive(here, 403)

    here.page.goto("/account/second-factor")
    here.shot("second-factor")
    assert here.violations() == []
    assert here.sideways() <= 0
    secret = here.page.input_value("[name=secret]") or here.page.get_attribute("[name=secret]", "value")
    enter(here, RIGHT, code_of(web, secret))
    here.shot("written-codes")
    assert here.violations() == []
    assert len(re.findall(r"<code>\w{5}-\w{5}</code>", here.page.content())) == 10

    web.house.clock.advance(30_000)
    other = visit(size=size, scheme=scheme, log_in=False)
    other.page.goto("/")
    other.shot("login-with-code")
    assert other.violations() == []
    enter(other)
    assert other.page.is_visible("text=That was not right")
    enter(other, RIGHT, code_of(web, secret))
    other.page.wait_for_selector("nav >> text=Now")
    forgive(other, 401)
    forgive(other, 403)


@SIZES
def test_an_alert_leads_to_a_yes_in_two_steps(web, visit, size, scheme):
    furnish(web)
    proposal = web.house.store.proposals.open_ones()[0]
    here = visit(size=size, scheme=scheme)
    here.page.goto(f"/alerts/{proposal.alert_id}")
    here.page.click(f"text=Proposal {proposal.id}")
    here.page.click("text=Approve …")
    here.page.wait_for_selector("#reason")
    here.shot("confirm")
    assert here.violations() == []
    assert here.sideways() <= 0
    assert web.house.store.proposals.get(proposal.id).state is ProposalState.OPEN, "looking has no effect"
    here.page.fill("#reason", "the trend is <b>clear</b>")
    here.page.click("main form button.yes")
    here.page.wait_for_selector(".outcome")
    here.shot("approved")
    assert here.violations() == []
    assert web.house.store.proposals.get(proposal.id).state is ProposalState.APPROVED
    assert web.house.store.proposals.decision(proposal.id).reason == "the trend is <b>clear</b>"


def test_of_two_who_decide_at_once_one_wins_and_the_other_hears_who(web, visit):
    furnish(web)
    proposal = web.house.store.proposals.open_ones()[0]
    first, second = visit(), visit(size="phone", scheme="dark")
    for here, verb in ((first, "reject"), (second, "approve")):
        here.page.goto(f"/proposals/{proposal.id}/{verb}")
        here.page.wait_for_selector("#reason")
    with first.page.expect_navigation():
        first.page.click("main form button")
    # The other has the form still: a button that was pressed in the same moment.
    if second.page.locator("main form button").count():
        with second.page.expect_navigation():
            second.page.click("main form button")
    second.page.wait_for_selector("text=rejected")
    second.shot("too-late")
    assert web.house.store.proposals.get(proposal.id).state is ProposalState.REJECTED
    forgive(second, 409)


def test_a_page_before_somebodys_eyes_wakes_nobody_any_more(web, visit):
    store, now = web.house.store, web.house.clock.now()
    channels = [MemoryChannel("dashboard"), MemoryChannel("sms")]
    alert = put(store, now, channels=channels, key="seen", after=(0, 60_000))
    [shown] = [d for d in store.outbox.of_alert(alert) if d.channel == "dashboard" and d.step == 0]
    store.outbox.lease(shown.id, now)
    store.outbox.settle(shown.id, DeliveryEvent.ACCEPT, now=now)
    here = visit(size="phone")
    with here.page.expect_response("**/seen") as answer:
        here.page.goto(f"/alerts/{alert}")
    assert answer.value.status == 204
    states = {(d.channel, d.step): d.state for d in store.outbox.of_alert(alert)}
    assert states["dashboard", 0] is DeliveryState.SEEN
    assert states["sms", 1] is DeliveryState.CANCELLED
    assert store.alerts.get(alert).state is AlertState.FIRING, "seen is not answered"
