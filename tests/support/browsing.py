"""A real browser for tests of the console: Chromium without a window, driven by what people see and press.

    with Browser() as browser:
        browser.open(f"{worker.url}/console/")
        browser.press("Create link")
        browser.fill("Name", "east")

Buttons and links are found by their words, fields by their labels, as a person finds them. Everything waits.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.support.packages import need
from tests.support.workers import wait_until

PATIENCE_S = 120.0
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # the sandbox does not start for root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
HARMLESS = ("Multiple forms should be contained",)


class Browser:
    """One window. `dark`: what the system prefers; `size` in pixels."""

    def __init__(self, *, dark: bool = False, size: tuple[int, int] = (1280, 900), home: Path | None = None) -> None:
        """`home`: the home folder to run with, in which Chromium looks for certificates of its user."""
        need({"chromium": "chromium", "chromedriver": "chromium-driver"})
        options = webdriver.ChromeOptions()
        options.binary_location = str(shutil.which("chromium"))
        for option in (*OPTIONS, f"--window-size={size[0]},{size[1]}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        environment = {**os.environ, "HOME": str(home)} if home else None
        service = webdriver.ChromeService(executable_path=str(shutil.which("chromedriver")), env=environment)
        self.driver = webdriver.Chrome(options=options, service=service)
        self.command(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"The page at {self.driver.current_url}:\n{self.text()}\n{self.driver.get_log('browser')}")
        self.driver.quit()

    def command(self, name: str, **arguments: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, arguments)

    def open(self, url: str) -> None:
        """Go to an address; where only the part after # differs, the page stays loaded."""
        self.driver.get(url)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def text(self) -> str:
        """All that can be read on the page."""
        return str(self.run("return document.body.innerText"))

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """The texts of all elements that a selector finds, read at one moment."""
        found: list[str] = self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", css)
        return found

    def wait_for_text(self, text: str, css: str = "body", within_s: float = PATIENCE_S) -> None:
        """Wait until an element that the selector finds holds the text."""
        wait_until(lambda: any(text in each for each in self.texts(css)), f"'{text}' in {css}", within_s, 0.1)

    def wait_until_gone(self, css: str, within_s: float = PATIENCE_S) -> None:
        wait_until(lambda: not self.all(css), f"{css} is gone", within_s, 0.1)

    def press(self, words: str, within: str = "body") -> None:
        """Click the button or link that has these words, once it is there and may be clicked; counts do not matter."""
        self._click(f"the button '{words}'", _BY_WORDS, within, words)

    def tick(self, label: str) -> None:
        """Click the checkbox of a label."""
        self._click(f"the checkbox '{label}'", _BY_LABEL, "body", label)

    def _click(self, what: str, script: str, *arguments: str) -> None:
        def is_clicked() -> bool:
            found = self.run(script, *arguments)
            try:
                if found is None or not found.is_enabled():
                    return False
                self.run("arguments[0].scrollIntoView({block: 'center'})", found)
                found.click()
            except (StaleElementReferenceException, WebDriverException):
                return False  # the page was drawn anew at this moment
            return True

        wait_until(is_clicked, f"{what} on {self.driver.current_url}", PATIENCE_S, 0.1)

    def fill(self, label: str, text: str) -> None:
        """Put a text into the field of a label, or choose it where the field is a choice."""

        def is_filled() -> bool:
            field = self.run(_BY_LABEL, "body", label)
            if field is None:
                return False
            try:
                self.run("arguments[0].scrollIntoView({block: 'center'})", field)
                if field.tag_name == "select":
                    self.run(_CHOOSE, field, text)
                    return True
                field.send_keys(Keys.CONTROL, "a")
                field.send_keys(Keys.BACKSPACE)  # as a person empties it: the page hears of it
                field.send_keys(text)
            except StaleElementReferenceException:
                return False  # the page was drawn anew at this moment
            return True

        wait_until(is_filled, f"the field '{label}'", PATIENCE_S, 0.1)

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, words: str, *, backwards: bool = False, most: int = 120) -> None:
        """Press Tab until the focus is on what has this accessible name; raises AssertionError listing where it was."""
        seen: list[str] = []
        while len(seen) < most:
            keys = webdriver.ActionChains(self.driver)
            keys = (
                keys.key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT)
                if backwards
                else keys.send_keys(Keys.TAB)
            )
            keys.perform()
            seen.append(self.focused())
            if seen[-1] == words:
                return
        raise AssertionError(f"Tab does not come to '{words}', but to {seen}")

    def focused(self) -> str:
        """The accessible name of what has the focus."""
        element = self.driver.switch_to.active_element
        return str(element.accessible_name or element.text)

    def complaints(self) -> list[str]:
        """What the browser had to complain of: errors of scripts, violations of the policy. Empties the log."""
        entries = self.driver.get_log("browser")
        return [e["message"] for e in entries if e["level"] != "DEBUG" and not any(h in e["message"] for h in HARMLESS)]

    def accessibility_nodes(self) -> list[dict[str, Any]]:
        """The tree that screen readers get, ignored nodes left out."""
        nodes = self.command("Accessibility.getFullAXTree")["nodes"]
        return [json.loads(json.dumps(node)) for node in nodes if not node.get("ignored")]

    def screenshot(self) -> bytes:
        return self.driver.get_screenshot_as_png()


_PLAIN = "const plain = text => text.replace(/\\s+/g, ' ').trim(), seen = e => e.checkVisibility();"
_BY_WORDS = f"""{_PLAIN}
const uncounted = text => text.replace(/ [\\d,]+( errors?)?$/, '');
const fits = e => [plain(e.innerText), uncounted(plain(e.innerText))].includes(arguments[1]);
const place = document.querySelector(arguments[0]);
return [...(place?.querySelectorAll('button, a, summary') ?? [])].filter(seen).find(fits) ?? null;
"""
_BY_LABEL = f"""{_PLAIN}
const place = document.querySelector(arguments[0]);
const labels = [...place.querySelectorAll('label')].filter(seen);
const fits = is => labels.find(e => is(plain(e.innerText)));
const found = fits(text => text === arguments[1]) ?? fits(text => text.startsWith(arguments[1]));
return found?.control ?? [...place.querySelectorAll('[aria-label]')].find(e => e.ariaLabel === arguments[1]) ?? null;
"""
_CHOOSE = """
arguments[0].value = arguments[1];
for (const kind of ['input', 'change']) arguments[0].dispatchEvent(new Event(kind, {bubbles: true}));
"""
