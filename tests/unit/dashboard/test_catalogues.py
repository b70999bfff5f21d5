"""Catalogues: nearly all that the pages say is there, with the same places for figures, and nothing is said twice."""

import re
from collections import Counter
from contextlib import closing

import pytest

from hybridd.dashboard.catalogue import entries
from hybridd.dashboard.language import SOURCE, languages
from tests.catalogue import DASHBOARD, said, translated
from tests.html_reader import Reader

OTHERS = [language for language in languages() if language != SOURCE]
PLACES = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize("language", OTHERS)
def test_nearly_all_that_the_pages_say_is_translated(language):
    wanted, have = said(), translated(language)
    missing = [text for text in wanted if not have.get(text)]
    # A page that came last may wait for its words: `python -m tests.catalogue` lists them.
    assert len(missing) <= len(wanted) // 10, missing


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_places_for_figures_of_its_text(language):
    for text, other in entries((DASHBOARD / "locale" / f"{language}.po").read_text("utf-8")):
        if text:
            for form in other.split("\0"):
                assert Counter(PLACES.findall(form)) == Counter(PLACES.findall(text.split("\0")[0])), text


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_said_twice(language):
    counts = Counter(text for text, _ in entries((DASHBOARD / "locale" / f"{language}.po").read_text("utf-8")))
    assert [text for text, n in counts.items() if n > 1] == []


def test_a_room_is_read_in_turkish(web):
    web.house.turn()
    with closing(web.log_in()) as client:
        page = client.get("/proposals/1", headers={"accept-language": "tr"})
        text = Reader(page.text).text
        for words in ("Kimse yanıtlamazsa hayır demektir.", "zarar durdur", "Onayla …", "Ne değişti"):
            assert words in text
        alert = Reader(client.get("/alerts/1", headers={"accept-language": "tr"}).text).text
        assert "etkin" in alert
        assert "Size neden bildirildi" in alert
