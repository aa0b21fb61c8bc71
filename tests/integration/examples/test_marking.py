from __future__ import annotations

import pytest

from examples.marking import marked


@pytest.mark.parametrize(
    ("summary", "question", "html"),
    [
        ("京都の静かな庭", "庭はどこ?", "京都の静かな<mark>庭</mark>"),
        ("ﾎﾟﾁは柴犬", "ポチの犬種", "<mark>ﾎ</mark>ﾟ<mark>ﾁ</mark>は柴犬"),
        ("code ＡＢ－１２３４ <b>", "ab-1234", "code ＡＢ－<mark>１２３４</mark> &lt;b&gt;"),
        ("Likes Lentils", "lentils?", "Likes <mark>Lentils</mark>"),
        ("the cat", "これは", "the cat"),
    ],
)
def test_the_words_of_the_question(summary: str, question: str, html: str) -> None:
    assert marked(summary, question) == html
