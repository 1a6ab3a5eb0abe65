"""Markdown of a stranger: readable, and never more than text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.plain_markdown import rendered

OURS = {"p", "h3", "ul", "ol", "li", "pre", "code", "strong", "em"}
PIECES = [
    "<img src=x onerror=y>",
    "<script>",
    "</p>",
    "`",
    "```",
    "**",
    "*",
    "[a](javascript:b)",
    "![x](//evil)",
    "# ",
    "- ",
    "1. ",
    "| a |",
    "\n",
    "\n\n",
    "  ",
    "x",
    "&lt;",
    '"',
    "'",
    "é",
]


class Seen(HTMLParser):
    """The tags and the attributes of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One begins."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """One ends, in its turn."""
        assert self.open.pop() == tag


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=80))
def test_whatever_is_written_only_our_own_tags_come_out_and_they_close(text: str) -> None:
    seen = Seen(rendered(text))
    assert seen.tags <= OURS
    assert seen.attributes <= {"class", "tabindex"}
    assert seen.open == []


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("## Title #\ntext", "<h3>Title</h3>\n<p>text</p>"),
        (
            "- a\n  more\n- **b**\n\n1. c\n2) d",
            "<ul><li>a more</li><li><strong>b</strong></li></ul>\n<ol><li>c</li><li>d</li></ol>",
        ),
        ("a `x < **y**` *b*", "<p>a <code>x &lt; **y**</code> <em>b</em></p>"),
        ("**a *b* c** *d*", "<p><strong>a <em>b</em> c</strong> <em>d</em></p>"),
        ("x ******", "<p>x <strong>*</strong>*</p>"),
        ("2 * 3 * 4 and __init__", "<p>2 * 3 * 4 and <strong>init</strong></p>"),
        ("[here](https://a.b) <https://c.d>", "<p>here (https://a.b) &lt;https://c.d&gt;</p>"),
        ("```python\nx < 1\n```\nend", '<pre class="code mono" tabindex="0">x &lt; 1</pre>\n<p>end</p>'),
        ("---\n> quoted", "<p>quoted</p>"),
        ("| a | b |\n|---|---|", '<pre class="code mono" tabindex="0">| a | b |\n|---|---|</pre>'),
    ],
)
def test_what_models_write_is_readable(text: str, html: str) -> None:
    assert rendered(text) == html


def test_a_block_may_be_spoken_of_instead() -> None:
    assert rendered("a\n```\nx\n```", lambda block: f"see <{block.text}>") == '<p>a</p>\n<p class="muted">see &lt;x&gt;</p>'


@pytest.mark.parametrize(
    "unit", ["**a ", "*a ", "`", "`a", "[a](", "# ", "#    x", "- - ", "``` `", "__a", "| ", "> ", "1. ", "\n", "\n\n- "]
)
def test_an_answer_made_to_be_slow_is_drawn_all_the_same(unit: str) -> None:
    assert Seen(rendered(unit * (100_000 // len(unit)))).tags <= OURS
