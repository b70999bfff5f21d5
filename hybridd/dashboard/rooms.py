"""The rooms of the house: where the navigation leads, and what every page says of the watch before anything else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse

from hybridd.clock import SystemClock
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.gate import who_of
from hybridd.dashboard.language import later
from hybridd.dashboard.logins import Who
from hybridd.dashboard.pages import page
from hybridd.model.analysis import unreal_of
from hybridd.pipeline.heartbeat import heartbeat, state_of, wrong_with

ROOMS = (
    # (where it is, what it is called): in the order of the questions at night.
    ("", later("Now")),
    ("proposals", later("Proposals")),
    ("trades", later("Trades")),
    ("journal", later("Journal")),
    ("alerts", later("Alerts")),
    ("brain", later("Brain")),
    ("system", later("System")),
    ("settings", later("Settings")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the frame of every page says: how the watch is, how many proposals wait, and who looks.

    `here` is the room's address; `unreal` as in an analysis; `wrong` a line each; `event` the newest event that the
    page has surely seen.
    """

    here: str
    state: str
    unreal: str
    wrong: tuple[str, ...]
    waiting: int
    event: int
    who: Who
    rooms: tuple[tuple[str, str], ...] = ROOMS

    @property
    def csrf(self) -> str:
        """What every form of the page must bring along."""
        return self.who.csrf


async def room(
    request: Request, desk: Desk, name: str, look: Callable[[], Mapping[str, object]], status: int = 200
) -> HTMLResponse:
    """A page with the frame around it. `look` looks up what the template needs, in a thread; what it raises, comes out.

    The frame is looked up first: what happens while `look` looks is told to the page again, and nothing is missed.
    """

    def both() -> tuple[House, Mapping[str, object]]:
        return house_of(desk, who_of(request), request.scope["path"]), look()

    house, facts = await run_in_threadpool(both)
    return page(request, name, status, house=house, zone=desk.zone, now=desk.clock.now(), **facts)


def house_of(desk: Desk, who: Who, path: str) -> House:
    """The frame as it is now."""
    service = heartbeat(desk.store)
    wall = SystemClock().now()  # the heartbeat is told in the wall's time, also where a demo's clock runs fast
    newest = desk.store.events.last_id()
    return House(
        here=path.strip("/").partition("/")[0],
        state=state_of(service, wall),
        unreal=unreal_of(service.get("source", ""), simulated=bool(service.get("simulated"))),
        wrong=tuple(wrong_with(service, wall)),
        waiting=len(desk.open_proposals()),
        event=newest,
        who=who,
    )
