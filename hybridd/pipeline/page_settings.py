"""What the page of settings shows: the keys that may be changed there, as they are, as they are wanted, and why not."""

from collections.abc import Mapping
from dataclasses import dataclass

from hybridd.config.keys import by_name, form_text
from hybridd.config.sources import value_at
from hybridd.pipeline.overrides import SAFE, InForce, Wanted, in_force, judge, typed, want, wanted_of
from hybridd.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One key: its text as one types it, what it is for and may be, whether the web has changed it, what is wrong."""

    name: str
    text: str
    about: str
    form: str
    changed: bool
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPage:
    """`known`: the watch has said what it goes by. `pending`: it has not looked at the newest wish yet.

    `refused`: why a wish is not in force. `done`: a change was just written down.
    """

    known: bool
    knobs: tuple[Knob, ...]
    pending: bool
    refused: tuple[str, ...]
    done: bool = False

    @property
    def wrong(self) -> bool:
        """Whether something that was typed cannot be."""
        return any(knob.wrong for knob in self.knobs)


def settings_page(store: Store) -> SettingsPage:
    """As it is now."""
    return _page(in_force(store), wanted_of(store))


def change(store: Store, fields: Mapping[str, str], actor: str, now: int) -> SettingsPage:
    """Write down what differs from what is, if all of it can be; nothing of it where one thing cannot."""
    force = in_force(store)
    if force is None:
        return settings_page(store)
    shown = {knob.name: knob.text for knob in _page(force, wanted_of(store)).knobs}
    asked = {name: text for name, text in fields.items() if name in shown and text.strip() != shown[name]}
    if not asked:
        return settings_page(store)
    values = _with(force, wanted_of(store))
    form, wrong = judge(values, {name: typed(name, text) for name, text in asked.items()})
    if wrong:
        return _page(force, wanted_of(store), asked, wrong)
    want(store, form, actor, now)
    return _page(in_force(store), wanted_of(store), done=True)


def undo(store: Store, name: str, actor: str, now: int) -> SettingsPage:
    """Let what the files say of a key count again."""
    if name in wanted_of(store).values:
        want(store, {name: None}, actor, now)
    return settings_page(store)


def _page(
    force: InForce | None,
    wanted: Wanted,
    asked: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    *,
    done: bool = False,
) -> SettingsPage:
    if force is None:
        return SettingsPage(known=False, knobs=(), pending=False, refused=())
    values, asked, wrong = _with(force, wanted), asked or {}, wrong or {}
    knobs = [
        Knob(
            name=name,
            text=asked.get(name, _text(value_at(values, tuple(name.split("."))))),
            about=by_name()[name].field.description or "",
            form=form_text(by_name()[name].field),
            changed=name in wanted.values,
            wrong=wrong.get(name, ""),
        )
        for name in SAFE
    ]
    pending = wanted.version != force.version
    return SettingsPage(
        known=True, knobs=tuple(knobs), pending=pending, refused=() if pending else force.refused, done=done
    )  # fmt: skip


def _with(force: InForce, wanted: Wanted) -> dict[str, dict[str, object]]:
    """What is in force, with what is wanted but not taken yet."""
    values = {name: dict(part) for name, part in force.values.items() if isinstance(part, Mapping)}
    for name, value in wanted.values.items():
        section, _, key = name.partition(".")
        values.setdefault(section, {})[key] = value
    return values


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
