"""The first page is light: a telephone on a bad line has it at once."""

from tests.browser.weight import settle, straight, weigh

KB = 1_000


def test_the_first_page_of_twenty_markets_is_light(web, visit):
    settle(web)
    here = visit(size="phone")
    found = weigh(here)
    print(found)
    assert here.page.locator("#markets .card").count() == 20
    # Nothing came out of a cupboard.
    assert all(found["bytes"][kind] > KB for kind in ("document", "stylesheet", "script"))
    assert found["all_bytes"] <= 100 * KB


def test_what_a_browser_has_is_not_sent_again(web, visit):
    settle(web)
    here = visit(size="phone")
    straight(here)
    here.page.goto("/")
    here.page.goto("/system")
    sent = here.page.evaluate("performance.getEntriesByType('resource').map(one => [one.name, one.transferSize])")
    files = {name: size for name, size in sent if name.partition("?")[0].endswith(("page.css", "live.js"))}
    assert list(files.values()) == [0, 0], files
