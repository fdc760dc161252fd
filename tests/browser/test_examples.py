"""The shops of examples/, clicked through in a real browser: bought on a desktop and on a phone, heard of, refunded by the back office's button."""

import shutil

import pytest

from tests.browser.chromium import SHOTS, state
from tests.browser.test_h5 import IPHONE, SMALL
from tests.examples.walk import Walk, until


class Clicked(Walk):
    """The walk of a shop, by hand: `tab` opens pages."""

    def __init__(self, name, folder, tab):
        super().__init__(name, folder, lambda _line: None)
        self._tab = tab

    def sold(self):
        """All of it."""
        self._on_a_desktop()
        self._on_a_phone()
        self._refunded()

    def _opened(self, **options):
        page = self._tab(self.shop, locale="en", **options)
        page.get_by_role("button", name="Longjing tea").click()
        page.wait_for_url(f"{self.api}/checkout/**")
        return page

    def _on_a_desktop(self):
        page = self._opened()
        state(page, "scan")
        picture = SHOTS / f"{self.name}-scan.png"
        page.screenshot(path=picture)
        phone = self._tab(f"{self.api}/phone", locale="en", **SMALL)
        phone.locator("#picture").set_input_files(picture)
        phone.wait_for_selector("#confirm:not([hidden])")
        assert phone.locator("#amount").inner_text() == "¥48.00"
        phone.locator("#pay").click()
        self._thanked(page)

    def _on_a_phone(self):
        page = self._opened(user_agent=IPHONE, **SMALL)
        state(page, "leave")
        page.get_by_role("link", name="Pay with WeChat", exact=True).click()
        page.locator("#pay").click()
        self._thanked(page)

    def _thanked(self, page):
        """Back at the shop, which asks, and is told by an event besides."""
        page.wait_for_url(f"{self.shop}/orders/*", timeout=20_000)
        page.get_by_text("Paid: ¥48.00. Thank you!").wait_for()
        number = page.url.rpartition("/")[2]
        until(lambda: "succeeded" in self.row(number), "the event is heard")

    def _refunded(self):
        office = self._tab(f"{self.shop}/history", locale="en")
        assert office.get_by_role("row").count() == 2
        row = office.get_by_role("row").first
        row.locator("input[name=amount]").fill("10.00")
        row.get_by_role("button", name="Refund").click()
        office.get_by_text("RF").wait_for()

        def back():
            office.goto(f"{self.shop}/history")
            return "back: ¥10.00" in office.get_by_role("row").first.inner_text()

        until(back, "the refund is heard of")
        assert "back: ¥0.00" in office.get_by_role("row").last.inner_text()
        office.screenshot(path=SHOTS / f"{self.name}-history.png")


@pytest.mark.parametrize("name", ["shop-flask", "shop-express"])
def test_a_shop_is_bought_from_on_a_desktop_and_on_a_phone_and_refunds(name, tmp_path, tab):
    if name == "shop-express" and shutil.which("npm") is None:
        pytest.skip("needs node and npm")
    Clicked(name, tmp_path, tab).run()
