"""Languages: the reader's own where there is a catalogue for it, and English for everything else."""

import gettext
from contextlib import closing

import pytest

from hybridd.dashboard.catalogue import compiled, entries
from hybridd.dashboard.language import chosen, languages

PO = r"""
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

# where it stands
msgid "Now"
msgstr "Şimdi"

msgid "a \"word\" "
"in two lines\n"
msgstr "iki \"satır\"\n"

msgid "one"
msgid_plural "%(n)s many"
msgstr[0] "bir"
msgstr[1] "%(n)s çok"

msgid "nobody has said it yet"
msgstr ""

#, fuzzy
msgid "doubtful"
msgstr "kuşkulu"
"""


def test_a_catalogue_says_what_stands_in_its_file():
    made = gettext.GNUTranslations(compiled(PO))
    assert made.gettext("Now") == "Şimdi"
    assert made.gettext('a "word" in two lines\n') == 'iki "satır"\n'
    assert [made.ngettext("one", "%(n)s many", n) for n in (1, 5)] == ["bir", "%(n)s çok"]
    assert made.gettext("nobody has said it yet") == "nobody has said it yet"
    assert made.gettext("doubtful") == "doubtful"
    assert dict(entries(PO))["Now"] == "Şimdi"


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        ("", "en"), ("tr", "tr"), ("tr-TR,tr;q=0.9,en;q=0.8", "tr"), ("en-GB,en;q=0.9,tr;q=0.1", "en"),
        ("de,fr;q=0.9", "en"), ("de, TR;q=0.5", "tr"), ("tr;q=0", "en"), (";;;,,", "en"), ("tr;q=x", "en"),
        ("*", "en"), ("x," * 5000 + "tr", "en"),
    ],
)  # fmt: skip
def test_a_browser_gets_the_language_it_likes_best(wishes, language):
    assert chosen(wishes, ("en", "tr")) == language


def test_a_page_is_in_the_language_of_its_reader(web):
    with closing(web.log_in()) as client:
        turkish = client.get("/", headers={"accept-language": "tr-TR,tr;q=0.9"}).text
        assert '<html lang="tr">' in turkish
        assert "Şimdi" in turkish
        english = client.get("/", headers={"accept-language": "de"}).text
        assert '<html lang="en">' in english
        assert "Şimdi" not in english
    assert languages() == ("en", "tr")
