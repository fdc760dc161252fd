"""What a page shows in Chinese is what the English page shows, whose calls are made by a test; and it names the same members."""

import re

import pytest

from tests.documents.blocks import BLOCKS, ROOT

TRANSLATED = [
    "docs/checkout.zh-CN.md",
    "docs/getting-started.zh-CN.md",
    "layers/wechatpay/README.zh-CN.md",
    "wechatpay_simulator/README.zh-CN.md",
]
ABANDONED = (
    "以微信支付的用语",
    "不能证明任何事情",
    "部署栈",
    "支付表的流",
    "框架嵌入",
    "拨动",
    "由微信支付收款",
)
"""Words that nobody in the field writes."""


@pytest.mark.parametrize("page", TRANSLATED)
def test_each_block_of_a_translation_stands_in_the_original_word_for_word(page: str) -> None:
    ours = [block.text for block in BLOCKS if block.document == page]
    originals = [block.text for block in BLOCKS if block.document == page.replace(".zh-CN", "")]
    assert ours
    assert set(ours) <= set(originals)


def test_the_members_of_the_chinese_page_are_those_of_the_original() -> None:
    theirs, ours = (
        set(re.findall(r"`(\w+)`", (ROOT / f"docs/{name}").read_text()))
        for name in ("checkout.md", "checkout.zh-CN.md")
    )
    assert ours - theirs == set()
    assert len(ours) > 30


@pytest.mark.parametrize(
    "path",
    [*TRANSLATED, "README.zh-CN.md", "functions/checkout/page/words.json", "sandbox/pages/static/words.js"],
)
def test_chinese_is_as_the_field_writes_it(path: str) -> None:
    text = (ROOT / path).read_text()
    assert [words for words in ABANDONED if words in text] == []
