"""Every link of a document to a file of ours, or to a section of one, leads there."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.documents.blocks import DOCUMENTS, ROOT

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
LINKS = [
    (document, *found) for document in DOCUMENTS for found in LINK.findall(document.read_text()) if any(found)
]


@cache
def sections(document: Path) -> frozenset[str]:
    """The names by which GitHub's pages know the headings: small, without punctuation, blanks as hyphens."""
    prose = re.sub(r"^ *```.*?^ *```$", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def test_there_are_links() -> None:
    assert len(LINKS) > 100


@pytest.mark.parametrize(("document", "path", "section"), LINKS)
def test_a_link_leads_somewhere(document: Path, path: str, section: str) -> None:
    target = (document.parent / path).resolve() if path else document
    assert target.exists()
    assert not section or section in sections(target)


@pytest.mark.parametrize("document", ["README.md", "README.zh-CN.md"])
def test_whoever_deploys_is_led_to_the_variables_and_to_both_ways_of_hearing_events(document: str) -> None:
    (deploying,) = re.findall(
        r"^## (?:Deploying|部署)\n(.*?)^## ", (ROOT / document).read_text(), re.M | re.S
    )
    assert "cp .env.example .env" in deploying
    assert {"on-aws-a-queue", "on-aws-an-https-address-of-your-shop"} <= {
        section for path, section in LINK.findall(deploying) if path == "docs/events.md"
    }
