"""A visit: a browser of a certain kind that is logged in, what it says on its console, and what axe finds."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "screenshots"
AXE = ROOT / "build" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"phone": (360, 740), "desktop": (1280, 900)}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


class Visit:
    """One browser context with one page."""

    def __init__(self, chromium, web, *, size="desktop", scheme="light", script=True, log_in=True, **how):
        width, height = SIZES[size]
        self.web, self.name = web, f"{size}-{scheme}"
        self.context = chromium.new_context(
            base_url=web.url, viewport={"width": width, "height": height}, color_scheme=scheme,
            java_script_enabled=script, reduced_motion="reduce", timezone_id="Europe/Istanbul", **how,
        )  # fmt: skip
        self.context.set_default_timeout(20_000)
        self.said = []
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        if log_in:
            self.page.goto(f"/login/{web.logins.token()}")
            self.page.click("main button")
            self.page.wait_for_selector("nav")

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}-{self.name}.png", full_page=True)

    def violations(self):
        """Everything serious that axe finds on the page: rule and place."""
        # Not by a script element: the page's policy would not let it in.
        self.page.evaluate(AXE.read_text("utf-8") + "; undefined")
        found = self.page.evaluate("rules => axe.run(document, rules)", RULES)
        serious = [one for one in found["violations"] if one["impact"] in {"serious", "critical"}]
        return [
            f"{one['id']}: {node['html'][:200]}: {node['failureSummary']}" for one in serious for node in one["nodes"]
        ]

    def sideways(self):
        """How many pixels the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def close(self):
        self.context.close()
        assert self.said == [], self.said
