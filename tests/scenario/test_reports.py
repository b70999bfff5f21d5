"""What became of an SMS, told by the provider to the address that it was given with the message."""

import pytest

from hybridd.pipeline.hooks import HookBox, HookKeys
from tests.fakes import twilio as twilios
from tests.unit.dashboard.web import Web

PHONE, PUBLIC = "+4915112345678", "https://hybridd.example.org"
KEYS = HookKeys(twilio=twilios.TOKEN, vonage="signature secret")


class Parts:
    """The web process's half and the watcher's, over one state, with the library against the provider's house."""

    def __init__(self, folder, channel_of):
        self.clock = None
        self.web = Web(folder, public_url=PUBLIC)
        self.store, self.clock = self.web.store, self.web.house.clock
        self.channel = channel_of(self.clock)
        self.web.desk.hooks = HookBox(self.store)


@pytest.fixture
def parts(tmp_path, house):
    made = []

    def make(channel_of):
        web = Web(tmp_path, public_url=PUBLIC, hooked=True)
        made.append(web)
        return web, channel_of(web.house.clock)

    yield make
    for web in made:
        web.close()
