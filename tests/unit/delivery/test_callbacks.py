"""Whether a call is the provider's, and what it says."""

import pytest
from twilio.request_validator import RequestValidator

from hybridd.delivery.callbacks import is_from_twilio, read_callback, receipt_of
from hybridd.delivery.twilio_failures import CODES, of_receipt
from hybridd.model.delivery import Failure
from tests.makers import T0

TOKEN, URL = "f0e1d2", "https://alerts.example.org/hooks/twilio/sms?x=1"
FORM = {"MessageSid": "SM1", "From": "+49170", "Body": "ACK 42", "FromCity": "", "NumMedia": "0"}


def signed(url=URL, form=FORM, token=TOKEN):
    return RequestValidator(token).compute_signature(url, form)


def test_a_form_that_twilio_signed_is_its_own():
    assert is_from_twilio(TOKEN, URL, FORM, signed())


@pytest.mark.parametrize("signature", [None, "", "x", signed(token="another"), signed(form={**FORM, "Body": "ACK 43"})])
def test_any_other_signature_or_none_is_nobodys(signature):
    assert not is_from_twilio(TOKEN, URL, FORM, signature)


def test_the_public_address_counts_and_not_the_one_behind_the_proxy():
    assert not is_from_twilio(TOKEN, "http://127.0.0.1:8787/hooks/twilio/sms?x=1", FORM, signed())


def test_blank_fields_count():
    assert not is_from_twilio(TOKEN, URL, {name: value for name, value in FORM.items() if value}, signed())


def test_without_a_token_nothing_is_believed():
    assert not is_from_twilio("", URL, FORM, signed(token=""))


def test_the_same_message_has_the_same_name_and_each_of_its_states_another():
    assert read_callback("twilio_sms", FORM).id == "SM1"
    states = {
        read_callback("twilio_status", {"MessageSid": "SM1", "MessageStatus": s}).id for s in ("sent", "delivered")
    }
    assert states == {"SM1:sent", "SM1:delivered"}
    assert read_callback("twilio_status", {"MessageSid": "SM1"}) is None
    assert read_callback("vonage_dlr", {"messageId": "V1", "status": "delivered", "msisdn": "49"}).sender == "49"


def twilio(status, code=""):
    return receipt_of("twilio_status", {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": code}, T0)


def vonage(status, code=""):
    return receipt_of("vonage_dlr", {"messageId": "V1", "status": status, "err-code": code}, T0)


@pytest.mark.parametrize(
    ("receipt", "failure"),
    [
        (twilio("delivered"), None),
        (twilio("undelivered", "30003"), Failure.RETRY),
        (twilio("undelivered", "30005"), Failure.ADDRESS),
        (twilio("failed", "30007"), Failure.MESSAGE),
        (twilio("failed", "20003"), Failure.ACCOUNT),
        (twilio("undelivered", "99999"), Failure.RETRY),
        (twilio("canceled"), Failure.RETRY),
        (vonage("delivered", "0"), None),
        (vonage("failed", "2"), Failure.RETRY),
        (vonage("failed", "3"), Failure.ADDRESS),
        (vonage("rejected", "6"), Failure.MESSAGE),
        (vonage("expired", "2"), Failure.RETRY),
    ],
)
def test_what_is_certain_is_a_receipt(receipt, failure):
    assert (receipt.failure, receipt.at) == (failure, T0)


@pytest.mark.parametrize("code", sorted(code for codes in CODES.values() for code in codes))
def test_a_call_and_an_answer_of_twilios_mean_the_same(code):
    assert twilio("undelivered", str(code)).failure is of_receipt(code)


@pytest.mark.parametrize(
    "receipt", [twilio("queued"), twilio("sent"), vonage("buffered"), vonage("accepted"), twilio("")]
)
def test_what_is_under_way_is_none(receipt):
    assert receipt is None
