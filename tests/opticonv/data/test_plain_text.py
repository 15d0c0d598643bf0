from __future__ import annotations

import pytest

from opticonv.data.plain_text import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Ada", "Ada"),
        ('<a href="//x.example/wiki/User:Ada" title="t">Ada &amp; Bob</a>', "Ada & Bob"),
        ("one<br>two<br/>three", "one two three"),
        ("<div>one</div><div>two</div>", "one two"),
        # How Commons says that nobody is known: the second is for programs.
        ('Unknown author<span style="display: none;">Unknown <b>x</b></span>', "Unknown author"),
        ("<style>.a{}</style>seen<!-- not seen -->", "seen"),
        ("a\x00b\u202ec\n\td", "a b c d"),
        ("3 < 4 & 5 > 4", "3 < 4 & 5 > 4"),
        ("<i>never closed", "never closed"),
        ("never opened</i></span>", "never opened"),
        ('<span style="display:none">all</span>', None),
        ("<p> </p>", None),
        ("", None),
    ],
)
def test_what_a_reader_sees(html: str, text: str | None) -> None:
    assert plain_text(html) == text


def test_a_novel_is_cut() -> None:
    text = plain_text("word " * 10_000)
    assert text is not None
    assert len(text) == 1000
    assert text.endswith("…")
