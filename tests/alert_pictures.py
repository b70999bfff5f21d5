"""Draws docs/pictures/alert_*.png and prints an alert in all its lengths. Needs the recorded candles, and chromium.

python -m tests.alert_pictures
"""

import base64
import io
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

from hybridd.app import assemble
from hybridd.clock import ManualClock
from hybridd.config.schema import Settings
from hybridd.delivery.figures import zone_of
from hybridd.delivery.render import Rendered, render
from hybridd.model.alert import Alert
from hybridd.model.change import Reason
from hybridd.pictures.alert_chart import draw_alert
from hybridd.pipeline.chart_scene import chart_of
from hybridd.store.store import open_store
from tests.layer_pictures import FOLDER
from tests.recorded_candles import FOLDER as RECORDED
from tests.recorded_candles import recorded

SYMBOL, ZONE, LINK = "ETH/USDT", "Europe/Berlin", "https://watch.example.org/alerts/17"
START, FEWEST = 60_000, 205
WIDTH, HEIGHT, GAP = 390, 1180, 24
GROUNDS = {"light": "#ffffff", "dark": "#121212"}


def main() -> None:
    """Watch the recorded market until there is news with enough of a past, and show what a person would get."""
    alert, png = news()
    (FOLDER / "alert_chart.png").write_bytes(png)
    words = render(alert, zone=ZONE, link=LINK, image="chart")
    (FOLDER / "alert_mail.png").write_bytes(mail(words, png))
    for name, text in (("SMS", words.short), ("push", f"{words.title}\n{words.body}"), ("Telegram", words.chat)):
        print(f"{name}, {len(text)} characters\n\n{text}\n")
    print(words.text)


def news() -> tuple[Alert, bytes]:
    """A change of signal as the daemon finds it, and its chart."""
    clock = ManualClock(int(recorded(SYMBOL).close_time[START]))
    market = {"source": "recorded", "path": str(RECORDED)}
    settings = Settings.model_validate({"monitor": {"symbols": [SYMBOL]}, "market": market})
    store = open_store("sqlite://:memory:", clock=clock)
    parts = assemble(settings, store, clock)
    for candle in range(2 * FEWEST):
        clock.advance(settings.monitor.timeframe.ms)
        for alert in parts.watch.cycle().alerts:
            if candle >= FEWEST and alert.reasons[0] is Reason.SIGNAL_CHANGED:
                chart = chart_of(store, alert, zone_of(ZONE), (35.0, 65.0))
                assert chart is not None
                return alert, draw_alert(chart, timeout=60.0)
    raise SystemExit("no signal changed")


def mail(words: Rendered, png: bytes) -> bytes:
    """The mail on a phone, on light ground and on dark ground."""
    inside = words.html.replace("cid:chart", f"data:image/png;base64,{base64.b64encode(png).decode()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for mode in GROUNDS:
            page = inside.replace('content="light dark"', f'content="{mode}"')
            (folder / f"{mode}.html").write_text(
                page.replace("<head>", f"<head><style>:root{{color-scheme:{mode}}}</style>")
            )
        frames = "".join(
            f'<iframe src="{mode}.html" scrolling="no" style="border:0;width:{WIDTH}px;height:{HEIGHT}px;'
            f'margin-right:{GAP}px;background:{ground};border-radius:16px"></iframe>'
            for mode, ground in GROUNDS.items()
        )
        (folder / "both.html").write_text(
            f'<body style="margin:{GAP}px;background:#8b93a0;white-space:nowrap">{frames}'
        )
        size = f"--window-size={2 * WIDTH + 3 * GAP},{HEIGHT + 2 * GAP}"
        shot = folder / "both.png"
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
             "--disable-background-networking", "--no-first-run", "--hide-scrollbars", size,
             "--force-device-scale-factor=1.5", f"--screenshot={shot}", str(folder / "both.html")],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        small = io.BytesIO()
        Image.open(shot).convert("RGB").quantize(256, kmeans=2).save(small, "PNG", optimize=True)
    return small.getvalue()


if __name__ == "__main__":
    main()
