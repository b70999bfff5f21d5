"""The turns of deliveries when the clock that they were planned by was set back."""

from peewee import Expression, fn

from hybridd.model.delivery import DeliveryState
from hybridd.store.database import Database
from hybridd.store.tables_watch import AlertRow, DeliveryRow


def set_back(database: Database, by_ms: int, now: int) -> int:
    """The clock, `now` (ms UTC), was ahead by so many ms: turns that were planned by it come earlier. Gives how many.

    Planned by it is what follows from something that lies in the future now; what the right clock planned stays.
    What is held back comes up now and is judged anew: quiet hours, limits and budget go by the new clock.
    """
    ahead = DeliveryRow.next_at > now
    fast = AlertRow.select(AlertRow.id).where(AlertRow.created_at > now)
    planned = _is(DeliveryState.PLANNED) & DeliveryRow.alert.in_(fast)
    tried = _is(DeliveryState.RETRY_WAIT, DeliveryState.UNKNOWN) & (DeliveryRow.leased_at > now)
    told = _is(DeliveryState.ACCEPTED) & (DeliveryRow.told_at > now)
    held, under_way = _is(DeliveryState.DEFERRED), _is(DeliveryState.LEASED) & (DeliveryRow.leased_at > now)
    earlier = {DeliveryRow.next_at: fn.MAX(DeliveryRow.next_at - by_ms, now)}
    with database.transaction():
        moved = database.run(DeliveryRow.update(earlier).where(ahead & (planned | tried | told)))
        moved += database.run(DeliveryRow.update({DeliveryRow.next_at: now}).where(ahead & held))
        # A lease counts from now: its holder may be gone, and would be waited for until the clock has caught up.
        database.run(DeliveryRow.update({DeliveryRow.leased_at: now}).where(under_way))
    return moved


def _is(*states: DeliveryState) -> Expression:
    return DeliveryRow.state.in_([str(state) for state in states])
