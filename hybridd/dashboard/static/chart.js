"use strict";
// The page has a drawing of its own. This puts one in its place that can be moved, magnified and asked.
(() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const language = document.documentElement.lang;
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const whole = new Intl.DateTimeFormat(language, {
    month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short",
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chart = null;

  function draw() {
    const place = document.getElementById("chart");
    if (chart) { chart.remove(); chart = null; }
    if (!place) return;
    const { candles, scores } = JSON.parse(place.dataset.chart);
    if (!candles.length) return;
    place.querySelector("svg").toggleAttribute("hidden", true);
    place.querySelector(".live-chart")?.remove();
    const box = document.createElement("div");
    box.className = "live-chart";
    place.prepend(box);
    chart = LightweightCharts.createChart(box, {
      autoSize: true,
      layout: {
        attributionLogo: false, // it brings a style of its own, which this page does not allow: the footer names it
        background: { color: colour("--card") }, textColor: colour("--faint"), panes: { separatorColor: colour("--line") },
      },
      grid: { vertLines: { color: colour("--line") }, horzLines: { color: colour("--line") } },
      rightPriceScale: { borderColor: colour("--line") },
      timeScale: {
        borderColor: colour("--line"), timeVisible: true,
        tickMarkFormatter: (time, kind) => (kind < 3 ? day : hour).format(time * 1000),
      },
      localization: { timeFormatter: (time) => whole.format(time * 1000) },
    });
    const smallest = Math.min(...candles.map((candle) => candle[3]));
    const precision = smallest >= 1000 ? 2 : Math.max(2, 4 - Math.floor(Math.log10(smallest || 1)));
    const up = colour("--yes"), down = colour("--no");
    chart.addSeries(LightweightCharts.CandlestickSeries, {
      upColor: colour("--card"), downColor: down, borderUpColor: up, borderDownColor: down, wickUpColor: up, wickDownColor: down,
      priceFormat: { type: "price", precision, minMove: 10 ** -precision },
    }).setData(candles.map(([time, open, high, low, close]) => ({ time, open, high, low, close })));
    const score = chart.addSeries(LightweightCharts.LineSeries, {
      color: colour("--link"), lineWidth: 2, priceFormat: { type: "price", precision: 1, minMove: 0.1 },
      autoscaleInfoProvider: () => ({ priceRange: { minValue: 0, maxValue: 100 } }),
    }, 1);
    score.setData(scores.map(([time, value]) => ({ time, value })));
    score.createPriceLine({ price: 50, color: colour("--faint"), lineWidth: 1, lineStyle: 2, axisLabelVisible: false, title: "" });
    chart.panes()[1].setHeight(110);
    chart.timeScale().fitContent();
    // Where somebody looks, the page goes.
    chart.subscribeClick((click) => { if (click.time) location.search = `?at=${click.time * 1000}`; });
  }

  draw();
  document.addEventListener("exchanged", (event) => { if (event.target.id === "market") draw(); });
  dark.addEventListener("change", draw);
})();
