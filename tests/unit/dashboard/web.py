"""The web as it runs: a real server on a loopback port, over the state of a house in which a signal has turned."""

import re
import threading
from dataclasses import replace

import httpx

from hybridd.dashboard.app import Door, make_app
from hybridd.dashboard.desk import Desk
from hybridd.dashboard.guard import Activity
from hybridd.dashboard.logins import Logins
from hybridd.dashboard.rates import Limits
from hybridd.dashboard.serve import Server, Serving, own_socket
from hybridd.store.store import open_store
from tests.unit.pipeline.test_decide import RULES, House

PATIENT = Limits(page=10_000, answer=10_000, link=10_000, stranger=10_000, hook=10_000)


class Web:
    """A house with a web process' server in a thread. It has no key: it knows links by their hashes alone."""

    def __init__(self, folder, *, limits=PATIENT, hooks=None, serving=None, hashes=None, **door):
        self.path = folder / "state.db"
        self.house = House(self.path)
        self.store = open_store(f"sqlite:///{self.path}", clock=self.house.clock, migrate=False)
        self.logins, self.activity = Logins(self.store, self.house.clock, hashes or {}), Activity()
        self.desk = Desk(store=self.store, rules=replace(RULES, key=b""), clock=self.house.clock, hooks=hooks)
        hosts = frozenset({"127.0.0.1", "localhost"})
        door = Door(**{"hosts": hosts, "limits": limits, "even_s": 0.02, "body_patience_s": 0.3, **door})
        self.app = app = make_app(self.desk, door, self.logins, self.activity)
        self.server = Server(app, self.activity, serving or Serving(head_s=0.3, keep_alive_s=1))
        listening = own_socket("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        started = threading.Event()
        self.thread = threading.Thread(target=self.server.run, args=([listening], started.set))
        self.thread.start()
        assert started.wait(20)
        self.client = httpx.Client(base_url=self.url, timeout=20)

    def close(self):
        self.client.close()
        self.server.end()
        self.thread.join(20)
        self.store.close()
        self.house.store.close()

    def link(self, proposal, channel="email", recipient="a@example.org"):
        """Token and code of a message."""
        found = self.house.token(proposal, channel, recipient)
        return found.token, found.code

    def say(self, token, code, decision="approve", reason="", **how):
        return self.client.post(
            f"/a/{token}", data={"code": code, "decision": decision, "reason": reason}, **how
        )  # fmt: skip

    def log_in(self):
        """A client with a session."""
        client = httpx.Client(base_url=self.url, timeout=20)
        answer = client.post(f"/login/{self.logins.token()}")
        assert answer.status_code == 303
        return client

    def dump(self):
        """Everything in the state, row by row."""
        tables = [t for t in self.house.store._database.table_names() if t != "sqlite_sequence"]
        cursor = self.house.store._database.engine.cursor()
        return {table: cursor.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}


def forms(html):
    """Every form of a page as a scanner sees it: where it leads, and its fields with what stands in them."""
    found = []
    for attributes, inside in re.findall(r"<form([^>]*)>(.*?)</form>", html, re.DOTALL):
        fields = {}
        for tag in re.findall(r"<(?:input|button)[^>]*>", inside):
            name, value = (re.search(rf'{what}="([^"]*)"', tag) for what in (" name", " value"))
            if name:
                fields.setdefault(name[1], []).append(value[1] if value else "")
        found.append((re.search(r'action="([^"]*)"', attributes)[1], fields))
    return found
