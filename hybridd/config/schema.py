"""The settings as one frozen object, handed out in sections; and its JSON Schema."""

from typing import Any

from pydantic import Field

from hybridd.config.base import Section
from hybridd.config.sections_house import Dashboard, Database, Decisions, Health, Trading
from hybridd.config.sections_tell import Alerts, Email, ExtraChannel, Push, Sms, Telegram
from hybridd.config.sections_watch import Analysis, Market, Monitor
from hybridd.config.values import List
from hybridd.model.instrument import Instrument, parse_instrument


class Settings(Section):
    """All settings; `Settings()` are the defaults."""

    monitor: Monitor = Field(default_factory=Monitor)
    market: Market = Field(default_factory=Market)
    analysis: Analysis = Field(default_factory=Analysis)
    alerts: Alerts = Field(default_factory=Alerts)
    email: Email = Field(default_factory=Email)
    sms: Sms = Field(default_factory=Sms)
    push: Push = Field(default_factory=Push)
    telegram: Telegram = Field(default_factory=Telegram)
    channels: List[ExtraChannel] = Field((), description="further channels: a webhook, or an Apprise URL")
    dashboard: Dashboard = Field(default_factory=Dashboard)
    decisions: Decisions = Field(default_factory=Decisions)
    trading: Trading = Field(default_factory=Trading)
    database: Database = Field(default_factory=Database)
    health: Health = Field(default_factory=Health)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The markets of `monitor.symbols`, read for `market.market_type`."""
        return tuple(parse_instrument(text, self.market.market_type) for text in self.monitor.symbols)


def json_schema() -> dict[str, Any]:
    """JSON Schema of the settings as they are written in a file."""
    schema = Settings.model_json_schema()
    written = Settings().model_dump(mode="json")
    for section, part in schema["properties"].items():
        _set_defaults(schema, part, written[section])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "hybridd settings"}


def _set_defaults(schema: dict[str, Any], part: dict[str, Any], written: object) -> None:
    # pydantic shows defaults as they are held (900000); a file has them as they are written ("15m").
    if "$ref" not in part:
        part["default"] = written
        return
    part.pop("default", None)
    properties = schema["$defs"][part["$ref"].rpartition("/")[2]]["properties"]
    for name, inner in properties.items():
        _set_defaults(schema, inner, written[name] if isinstance(written, dict) else None)
