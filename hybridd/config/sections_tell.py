"""Sections about telling: what is worth an alert, who hears of it, by which channels."""

from typing import Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from hybridd.config.base import Section
from hybridd.config.hidden import Hidden, HiddenUrl, SecretText
from hybridd.config.values import (
    Address,
    Addresses,
    Host,
    Line,
    List,
    Milliseconds,
    Numbers,
    QuietHours,
    SmsSender,
    SomeTime,
    Zone,
    parse_duration,
)

CHANNELS = ("push", "email", "dashboard", "sms", "telegram", "journal")


class Step(Section):
    """One step of a route: after how long, by which channels."""

    after: Milliseconds = Field(description="since the alert was made")
    channels: List[Line] = Field(min_length=1, description="names: push, email, dashboard, sms, telegram, journal, …")
    repeat: Milliseconds = Field(0, description="again after each such time, until somebody answers; 0s: never")
    times: int = Field(3, ge=1, le=100, description="how many repeats at most")

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> dict[str, object]:
        """What does not repeat says nothing of it, so that a route stays one line."""
        written: dict[str, object] = write(self)
        return written if self.repeat else {name: written[name] for name in ("after", "channels")}


class Route(Section):
    """Which alerts go which way; the first route that matches wins."""

    severity: List[Literal["info", "warning", "critical"]] = Field(min_length=1, description="info, warning, critical")
    steps: List[Step] = Field(min_length=1, description="one after the other, until somebody answers")


DEFAULT_ROUTE = Route.model_validate(
    {
        "severity": ["warning", "critical"],
        "steps": [{"after": "0s", "channels": ["push", "email", "dashboard"]}, {"after": "2m", "channels": ["sms"]}],
    }
)


class Alerts(Section):
    """What is worth an alert, and whom it reaches."""

    score_jump: float = Field(5.0, gt=0, le=100, description="points between two analyses")
    score_drift: float = Field(10.0, gt=0, le=100, description="points since the last alert")
    confidence_high: float = Field(0.85, gt=0, le=1, description="crossed upward with a signal")
    cooldown: Milliseconds = Field(parse_duration("15m"), description="per symbol and reason")
    flapping_turns: int = Field(4, ge=0, le=1000, description="more changes of signal in the window flap; 0: never")
    flapping_window: int = Field(12, ge=1, le=10_000, description="candles in which they are counted")
    flapping_calm: int = Field(6, ge=1, le=10_000, description="candles without one, until you are told the outcome")
    quiet_hours: QuietHours = Field("", description='"23:00-07:00" in your time zone; critical alerts pass')
    quiet_channels: List[Line] = Field(("sms", "push", "telegram"), description="which are quiet then")
    timezone: Zone = Field("UTC", description="yours: of the times in messages")
    rate: int = Field(6, ge=0, le=10_000, description="messages to one address in the window, then a digest; 0: any")
    rate_critical: int = Field(12, ge=0, le=10_000, description="the same where a critical one is next; 0: any")
    rate_window: SomeTime = Field(parse_duration("10m"), description="in which messages are counted")
    daily_sms_segments: int = Field(50, ge=0, le=100_000, description="the most SMS segments a day")
    sms_reserve: int = Field(10, ge=0, le=100_000, description="how many of them are kept for critical alerts")
    time_to_live: SomeTime = Field(parse_duration("15m"), description="an alert older than this is not sent any more")
    route: List[Route] = Field((DEFAULT_ROUTE,), description="first match wins")


class Email(Section):
    """Alerts by e-mail."""

    enabled: bool = Field(False, description="needs smtp_server, sender_email and recipient_email")
    smtp_server: Host = Field("smtp.gmail.com", description="name of the mail server")
    smtp_port: int = Field(587, ge=1, le=65535, description="587 for starttls, 465 for tls")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="of the connection")
    username: Line = Field("", description='"": no login')
    password: Hidden = Field(
        SecretText(""), description='or {credential = "smtp_password"} / {env = "…"} / {file = "…"}: any secret'
    )
    sender_email: Address = Field("", description="the address that alerts come from")
    recipient_email: Addresses = Field("", description="where they go; several with commas")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The single addresses of `recipient_email`, each once."""
        parts = (part.strip() for part in self.recipient_email.split(","))
        return tuple(dict.fromkeys(part for part in parts if part))


class Sms(Section):
    """Alerts by SMS."""

    enabled: bool = Field(False, description="needs account_sid, auth_token, from_number and to_number")
    provider: Literal["twilio", "vonage"] = Field("twilio", description="who sends it")
    account_sid: Line = Field("", description="Twilio's account SID, or Vonage's API key")
    auth_token: Hidden = Field(SecretText(""), description="Twilio's auth token, or Vonage's API secret")
    signature_secret: Hidden = Field(SecretText(""), description="Vonage's: its calls to public_url are believed by it")
    from_number: SmsSender = Field("", description="sender: +49…, a short code, a name, or Twilio's MG… of a service")
    to_number: Numbers = Field("", description="where they go: +49…; several with commas")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The single numbers of `to_number`, each once."""
        parts = (part.strip() for part in self.to_number.split(","))
        return tuple(dict.fromkeys(part for part in parts if part))


class Push(Section):
    """Alerts as push messages."""

    enabled: bool = Field(False, description="send push messages")
    service: Literal["firebase", "web_push"] = Field("firebase", description="who sends it")
    credentials_file: Line = Field("", description="firebase: the key file of a service account")
    device_tokens: List[Line] = Field(
        (), description="devices besides those that register in the dashboard; web_push: subscriptions as JSON"
    )
    vapid_private_key: Hidden = Field(SecretText(""), description="web_push: `hybridd push keys` makes it")
    contact: Line = Field("", description='web_push: whom push services may ask, "mailto:you@example.org"')


class Telegram(Section):
    """Alerts by Telegram."""

    enabled: bool = Field(False, description="send by Telegram")
    bot_token: Hidden = Field(SecretText(""), description="of the bot, from @BotFather")
    chat_id: Line = Field("", description="where it writes: a number, or @name of a public group")


class ExtraChannel(Section):
    """A further channel: a webhook, or an Apprise URL."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="how routes call it", examples=["ops"])
    url: HiddenUrl = Field(
        description="https://… of a webhook, or any URL of Apprise (ntfy://…)", examples=["https://hooks.example.org/x"]
    )
    secret: Hidden = Field(SecretText(""), description="webhooks are signed with it")
    allow_http: bool = Field(False, description="webhooks only: send in the clear beyond this machine")

    @property
    def is_webhook(self) -> bool:
        """Whether its URL is a web address; any other is for Apprise."""
        return self.url.get_secret_value().lower().startswith(("http://", "https://"))
