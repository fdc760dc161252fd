"""The pages' files: all there, under the strict policy, and nothing else of this machine."""

import http.client
import re
from pathlib import Path

import pytest

from sandbox.pages import files
from sandbox.pages.headers import HEADERS

FILES = sorted(files.FOLDER.iterdir())


@pytest.mark.parametrize(
    "path", ["/", "/phone", "/success", "/shop/products", "/phone/orders", "/pages/none"]
)
def test_every_answer_carries_the_headers(browser, path):
    answer = browser.get(path)

    assert answer.status_code == (404 if path == "/pages/none" else 200)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_file_is_served_as_what_it_is(browser, file):
    answer = browser.get(f"/pages/{file.name}")

    assert answer.content == file.read_bytes()
    assert answer.headers["content-type"].partition(";")[0] == files.TYPES[file.suffix]
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.mark.parametrize("name", ["shop", "success", "phone"])
def test_pages_load_only_files_that_are_there_and_nothing_inline(browser, name):
    page = (files.FOLDER / f"{name}.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', page)

    assert len(loaded) > 3
    for address in loaded:
        assert browser.get(address).status_code == 200, address
    assert not re.search(r"<style|<script(?![^>]* src=)|\son[a-z]+=|\sstyle=|://(?!wxpay)", page)


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix == ".js"], ids=lambda file: file.name)
def test_scripts_write_text_only_and_import_files_that_are_there(file):
    script = file.read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://", script)
    for imported in re.findall(r'from "([^"]+)"', script):
        assert (files.FOLDER / Path(imported).name).is_file(), imported


@pytest.mark.parametrize(
    "path",
    ["/pages/../shop.py", "/pages/%2e%2e/shop.py", "/pages/..%2fshop.py", "/pages/", "/pages//etc/passwd"],
)
def test_no_other_file_can_be_had(sandbox, path):
    connection = http.client.HTTPConnection("127.0.0.1", int(sandbox.api.rpartition(":")[2]), timeout=10)
    connection.request("GET", path)  # sent as it is, not tidied
    answer = connection.getresponse()

    assert answer.status == 404
    assert b"import" not in answer.read()
    connection.close()


def test_a_page_of_somebody_else_gets_nothing(browser):
    browser.headers["Origin"] = "https://elsewhere.test"

    assert browser.post("/shop/order", json={"productId": "poem"}).status_code == 403
    assert browser.post("/phone/pay", json={"outTradeNo": "WX1"}).status_code == 403
