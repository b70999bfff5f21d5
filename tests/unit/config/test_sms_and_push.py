"""The settings of SMS and push: complete, of a form that the providers take, each mistake named with its remedy."""

import json
from pathlib import Path

import pytest

from hybridd.channels import channels_of
from hybridd.config.check import check
from hybridd.config.load import load
from hybridd.config.problems import Kind, Level
from hybridd.delivery.push_firebase import FirebaseChannel
from hybridd.delivery.sms_twilio import TwilioChannel
from hybridd.delivery.sms_vonage import VonageChannel

SID = "AC" + "0" * 32
SMS = {"enabled": True, "account_sid": SID, "auth_token": "t", "from_number": "+4915199999999", "to_number": "+491511"}
ROUTE = '[[alerts.route]]\nseverity = ["warning", "critical"]\nsteps = [{after = "0s", channels = ["email"]}]\n'


def written(tmp_path: Path, section: str, values: dict[str, object], more: str = "") -> Path:
    path = tmp_path / "hybridd.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    path.touch(0o600)
    path.write_text("\n".join([f"[{section}]", *lines, more]))
    return path


def sms(tmp_path: Path, more: str = "", **changes: object) -> Path:
    return written(tmp_path, "sms", SMS | {"to_number": "+4915112345678"} | changes, more)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key.json"
    names = ("project_id", "private_key", "client_email", "token_uri")
    path.write_text(json.dumps({"type": "service_account", **dict.fromkeys(names, "x")}))
    return path


def push(tmp_path: Path, key: Path, **changes: object) -> Path:
    values = {"enabled": True, "credentials_file": str(key), "device_tokens": ["dGVzdA:APA91b"]}
    return written(tmp_path, "push", values | changes)


@pytest.mark.parametrize("sender", ["+4915199999999", "12345", "hybridd", "MG" + "0a" * 16])
def test_a_whole_section_has_no_problem(tmp_path, sender):
    assert check(sms(tmp_path, from_number=sender), {}) == []
    assert check(sms(tmp_path, from_number=sender[:11], provider="vonage", account_sid="abcd1234"), {}) == []


@pytest.mark.parametrize("provider", ["twilio", "vonage"])
@pytest.mark.parametrize("name", ["account_sid", "auth_token", "from_number", "to_number"])
def test_what_is_missing_is_named(tmp_path, provider, name):
    whole = {"provider": provider, **({"account_sid": "abcd1234"} if provider == "vonage" else {})}
    [problem] = check(sms(tmp_path, **{**whole, name: ""}), {})
    assert (problem.id, problem.key, problem.level) == (Kind.INCOMPLETE, f"sms.{name}", Level.ERROR)
    assert problem.remedy


@pytest.mark.parametrize("number", ["015112345678", "+49 151 12345678", "+0151", "+4915112345678,x", "+4915112345678,"])
def test_a_number_that_nobody_can_dial_is_refused(tmp_path, number):
    problems = check(sms(tmp_path, to_number=number), {})
    assert (Kind.BAD_VALUE, "sms.to_number") in [(problem.id, problem.key) for problem in problems]
    assert "+4915112345678" in problems[0].remedy


@pytest.mark.parametrize("sender", ["+49", "a name that is too long", "ünï", "12", "+49x"])
def test_a_sender_that_no_provider_takes_is_refused(tmp_path, sender):
    assert Kind.BAD_VALUE in {problem.id for problem in check(sms(tmp_path, from_number=sender), {})}


def test_an_account_of_the_wrong_provider_is_told(tmp_path):
    [problem] = check(sms(tmp_path, account_sid="abcd1234"), {})
    assert (problem.id, problem.key) == (Kind.BAD_VALUE, "sms.account_sid")
    [problem] = check(sms(tmp_path, provider="vonage", account_sid="abcd1234", from_number="MG" + "0" * 32), {})
    assert (problem.id, problem.key) == (Kind.INCONSISTENT, "sms.from_number")


def test_sms_that_no_route_leads_to_is_told(tmp_path):
    [problem] = check(sms(tmp_path, ROUTE), {})
    assert (problem.key, problem.level) == ("sms.enabled", Level.WARNING)


def test_what_is_switched_off_is_not_asked(tmp_path):
    assert check(written(tmp_path, "sms", {"enabled": False, "account_sid": "x"}), {}) == []
    assert check(written(tmp_path, "push", {"enabled": False, "credentials_file": "/nowhere"}), {}) == []


def test_the_key_file_and_the_devices_are_looked_at(tmp_path, key):
    assert check(push(tmp_path, key, device_tokens=["dGVzdA:APA91b_x-y", "fid:cXyz", "token:abc:APA"]), {}) == []
    [problem] = check(push(tmp_path, key, credentials_file=""), {})
    assert (problem.id, problem.key) == (Kind.INCOMPLETE, "push.credentials_file")


def test_without_a_device_somebody_must_be_able_to_register_one(tmp_path, key):
    path = push(tmp_path, key, device_tokens=[])
    assert check(path, {}) == []
    [problem] = check(path, {"HYBRIDD_DASHBOARD__ENABLED": "false"})
    assert (problem.id, problem.key) == (Kind.INCOMPLETE, "push.device_tokens")


@pytest.mark.parametrize("device", ["two words", "fid:", "", "token:"])
def test_a_device_that_is_none_is_refused(tmp_path, key, device):
    [problem] = check(push(tmp_path, key, device_tokens=["a:b", device]), {})
    assert (problem.id, problem.key) == (Kind.BAD_VALUE, "push.device_tokens[1]")


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"type": "authorized_user"}', '{"type": "service_account"}'])
def test_a_key_file_that_is_none_is_told_but_stops_nobody(tmp_path, text):
    path = tmp_path / "no-key.json"
    if text is not None:
        path.write_text(text)
    [problem] = check(push(tmp_path, path), {})
    assert (problem.id, problem.key, problem.level) == (Kind.UNREADABLE_FILE, "push.credentials_file", Level.WARNING)
    assert str(path) in problem.message
    assert load(push(tmp_path, path), {}).push.enabled


def test_each_setting_makes_its_channel(tmp_path, key):
    numbers = "+4915112345678, +4915112345679,+4915112345678"
    made = channels_of(load(sms(tmp_path, to_number=numbers), {}))[-1]
    assert isinstance(made, TwilioChannel)
    assert made.recipients == ("+4915112345678", "+4915112345679")
    made = channels_of(load(sms(tmp_path, provider="vonage", account_sid="abcd1234"), {}))[-1]
    assert isinstance(made, VonageChannel)
    made = channels_of(load(push(tmp_path, key, device_tokens=["a:b", "a:b", "fid:c"]), {}))[-1]
    assert isinstance(made, FirebaseChannel)
    assert [name.partition(":")[0] for name in made.recipients] == ["token", "fid"]
