"""What the shop sells, and for how much. The browser never has a say in it."""

from dataclasses import dataclass

SHOP = {"zh": "墨弦", "en": "Ink & Strings"}
SHOP_NAME = f"{SHOP['zh']} {SHOP['en']}"


def named(merchant_name: str) -> dict[str, str]:
    """What the shop is called, in Chinese and English; a name that was chosen is the same in both."""
    return SHOP if merchant_name == SHOP_NAME else dict.fromkeys(SHOP, merchant_name)


@dataclass(frozen=True)
class Product:
    """One thing to buy. `fen` is its price; names and descriptions are Chinese and English."""

    id: str
    glyph: str  # one character that stands for it where others would show a picture
    zh: str
    en: str
    about_zh: str
    about_en: str
    fen: int

    @property
    def subject(self) -> str:
        """What the buyer reads in WeChat."""
        return f"{self.zh} {self.en}"


PRODUCTS = {
    product.id: product
    for product in (
        Product(
            "poem",
            "诗",
            "每日一诗",
            "A poem a day",
            "今天的一首诗，配注释。",
            "Today's poem, with notes.",
            1,
        ),
        Product(
            "guqin",
            "琴",
            "古琴曲《流水》",
            "Guqin: Flowing Water",
            "一段十二分钟的古琴录音。",
            "A recording, twelve minutes long.",
            1990,
        ),
        Product(
            "ink",
            "墨",
            "水墨画入门",
            "Ink painting for beginners",
            "八节课，可随时重看。",
            "Eight lessons, yours to keep.",
            9999,
        ),
    )
}


def yuan(fen: int) -> str:
    """19.90 for 1990."""
    return f"{fen // 100}.{fen % 100:02d}"
