"""A person at Prefect's UI: Debian's Chromium, or another on the machine, driven by Playwright."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Response, expect, sync_playwright

from tests.e2e.stack import PATIENCE

NAMES = ("chromium", "chromium-browser", "google-chrome")
MISSING = (
    "NO BROWSER: nothing of the UI was tested. Install one (Debian: `sudo apt-get install chromium`; any of "
    f"{', '.join(NAMES)} on the PATH will do) and run again."
)
# Nothing of it is to reach beyond loopback, and it is to start on a machine without a screen.
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# A whole page of Prefect's at a reader's width: its own panes scroll, and a picture shows the window only.
WINDOW = {"width": 1280, "height": 1500}
STEP = 30_000.0  # milliseconds that a page may take for one step on a busy machine
STATE = 1_000 * PATIENCE
TRIES = 5
# Where pictures are kept beside the test's own folder. Read here: the tests are run without the developer's settings.
SCREENSHOTS = Path(os.environ["SSPR_SCREENSHOTS"]) if os.environ.get("SSPR_SCREENSHOTS") else None


@contextmanager
def opened(url: str, pictures: Sequence[Path]) -> Iterator[Ui]:
    """A browser on the server's UI at `url`, its pictures in these folders. Skips the test where there is none."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip(MISSING)
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS, *sandbox])
        page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type]
        page.set_default_timeout(STEP)
        yield Ui(page, url, pictures)
        browser.close()


class Ui:
    """What a person sees and does there."""

    def __init__(self, page: Page, url: str, pictures: Sequence[Path]) -> None:
        self._page = page
        self._url = url
        self._pictures = pictures
        self._taken = 0

    # -- the form -----------------------------------------------------------------------------------

    def open_form(self, deployment: str) -> None:
        """From the list of deployments to the form of a run with values of one's own."""
        self._page.goto(f"{self._url}/deployments")
        self._page.get_by_role("link", name=deployment, exact=True).first.click()
        self._page.get_by_role("button", name="Run", exact=True).click()
        self._page.get_by_text("Custom run").click()
        self._page.get_by_role("button", name="Submit").wait_for()

    def fill_in(self, values: Mapping[str, str]) -> None:
        """Fields by their titles: a text, or one of the choices."""
        for title, value in values.items():
            field = self.field(title)
            # A field that may be left empty is a choice between a kind of value and None.
            kind = field.get_by_role("button", name="str", exact=True)
            if kind.count():
                kind.click()
            add = field.get_by_role("button", name="Add item")
            if add.count():
                add.click()
            self._enter(field, value)

    def _enter(self, field: Locator, value: str) -> None:
        choices = field.locator(".p-select-button__control")
        text = field.locator("textarea, input[type=text]")
        choices.or_(text).first.wait_for()
        if choices.count() == 0:
            text.fill(value)
            return
        # By the keyboard: Prefect 3.8.8 closes the list again where it is opened by a click on its text.
        choices.focus()
        self._page.keyboard.press("Space")
        self._page.locator(".p-select-option").get_by_text(value, exact=True).click()

    def field(self, title: str) -> Locator:
        """A field of a form, with its description and what is wrong with it."""
        own = self._page.locator(".schema-form-property__label")
        named = own.filter(has_text=re.compile(rf"^\s*{re.escape(title)}( \(Optional\))?\s*$"))
        return self._page.locator(".p-label").filter(has=named)

    def submit(self) -> None:
        """Sends the form of a new run."""
        self._page.get_by_role("button", name="Submit").click()

    def start_the_run(self) -> None:
        """Sends the form, and goes to the page of the run that was made.

        By its address: the message with a link to it slides away from a click.
        """
        made = self._insist("/create_flow_run", self.submit).json()
        self._page.get_by_role("button", name="View run").first.wait_for()
        self._page.goto(f"{self._url}/runs/flow-run/{made['id']}")

    def _insist(self, path: str, act: Callable[[], None]) -> Response:
        """Acts until the request that it makes to this path is answered otherwise than with 503, which a server on
        SQLite does at times: the page says so, and a person does it again.
        """
        for _ in range(TRIES):
            with self._page.expect_response(lambda answer: answer.url.endswith(path)) as sent:
                act()
            if sent.value.status != 503:
                break
        return sent.value

    # -- a flow run ---------------------------------------------------------------------------------

    def wait_for_state(self, name: str) -> None:
        """Until the page shows this state, by itself."""
        expect(self._page.locator(".state-badge").first).to_have_text(name, timeout=STATE)

    def retry(self) -> None:
        """The button Retry, and the one of that name in the question that follows."""

        def press() -> None:
            if not self._window.is_visible():
                self._page.get_by_role("button", name="Retry").first.click()
            self._window.get_by_role("button", name="Retry").click()

        self._insist("/set_state", press)

    def tab(self, name: str) -> None:
        """One of the tabs of a flow run's page."""
        self._page.get_by_text(name, exact=True).first.click()

    def wait_for_text(self, text: str, where: Locator | None = None) -> None:
        """Until the page, or that part of it, shows the text."""
        expect(where or self._page.locator("body")).to_contain_text(text, timeout=STEP)

    # -- the question of a suspended run ------------------------------------------------------------

    @property
    def _window(self) -> Locator:
        return self._page.locator(".p-modal")

    def open_question(self) -> None:
        """The button Resume: the plan, and the form for the answer."""
        self._page.get_by_role("button", name="Resume").first.click()
        self.field("Approver").wait_for()

    def question(self) -> str:
        """The question as text."""
        return self._window.inner_text()

    def answer(self, *, approve: bool, approver: str) -> None:
        """Fills the form in and sends it."""
        switch = self.field("Approve").get_by_role("switch")
        if (switch.get_attribute("aria-checked") == "true") is not approve:
            switch.click()
        self.field("Approver").locator("textarea").fill(approver)
        self._window.get_by_role("button", name="Submit").click()

    def picture(self, name: str) -> None:
        """A picture of the window, for people."""
        self._page.wait_for_load_state("networkidle")
        self._taken += 1
        for folder in self._pictures:
            folder.mkdir(parents=True, exist_ok=True)
            self._page.screenshot(path=folder / f"{self._taken:02}-{name}.png", animations="disabled")
