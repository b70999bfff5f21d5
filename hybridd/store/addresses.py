"""The addresses that are known to be bad, or were: alerts are not planned to a disabled one."""

from collections.abc import Collection, Mapping, Sequence

from hybridd.model.address import Address, AddressState, kind_of
from hybridd.store.database import Database, Prepared, Record, hole
from hybridd.store.tables_back import AddressRow

_OF = Prepared(
    AddressRow.select().where((AddressRow.channel == hole("channel")) & (AddressRow.address == hole("address")))
)
_DISABLED = Prepared(
    AddressRow.select().where(AddressRow.state == str(AddressState.DISABLED)).order_by(AddressRow.since, AddressRow.id)
)
_COLUMNS = ("channel", "address", "kind", "state", "reason", "since")


class Addresses:
    """The table of addresses: one that is not in it has never been complained of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, channel: str, address: str) -> Address | None:
        """What is known of an address."""
        found = self._database.row(_OF, channel=channel, address=address)
        return None if found is None else _address(found)

    def is_disabled(self, channel: str, address: str) -> bool:
        """Whether nothing is sent there."""
        found = self.get(channel, address)
        return found is not None and found.state is AddressState.DISABLED

    def disable(self, channel: str, address: str, reason: str, now: int) -> bool:
        """Send nothing there any more; False when it is disabled already."""
        return self._turn(channel, address, AddressState.DISABLED, reason, now)

    def enable(self, channel: str, address: str, reason: str, now: int) -> bool:
        """Send there again; False when it was not disabled."""
        if not self.is_disabled(channel, address):
            return False
        return self._turn(channel, address, AddressState.ENABLED, reason, now)

    def disabled(self) -> list[Address]:
        """Those that nothing is sent to, longest first."""
        return [_address(row) for row in self._database.rows(_DISABLED)]

    def forget_others(self, channels: Mapping[str, Sequence[str]]) -> list[Address]:
        """Forget those that the settings do not name any more, and give them: they begin anew if they come back."""
        gone = [
            _address(row)
            for row in self._database.rows(AddressRow.select().order_by(AddressRow.id))
            if row["address"] not in _of(channels, row["channel"])
        ]
        for address in gone:
            which = (AddressRow.channel == address.channel) & (AddressRow.address == address.address)
            self._database.run(AddressRow.delete().where(which))
        return gone

    def _turn(self, channel: str, address: str, state: AddressState, reason: str, now: int) -> bool:
        found = self.get(channel, address)
        if found is not None and found.state is state:
            return False
        row = (channel, address, kind_of(channel, address), str(state), reason, int(now))
        self._database.put_all(AddressRow, _COLUMNS, [row], key=("channel", "address"))
        return True


def _of(channels: Mapping[str, Sequence[str]], name: str) -> Collection[str]:
    return channels.get(name, ())


def _address(row: Record) -> Address:
    return Address(
        channel=row["channel"],
        address=row["address"],
        kind=row["kind"],
        state=AddressState(row["state"]),
        reason=row["reason"],
        since=row["since"],
    )
