"""Markdown of a stranger as HTML: everything is text until a rule of ours makes it more. No HTML, no links, no pictures.

A link or a picture would let whoever wrote the text lead the reader, or their browser, to an address of his.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence

from services.assistant_drafts import Block, blocks

#: Bounded everywhere: a text made to be slow must not be.
_HEADING = re.compile(r" {0,3}#{1,6}\s")
_BULLET = re.compile(r"\s*[-*+]\s+(.*)")
_NUMBER = re.compile(r"\s*\d{1,3}[.)]\s+(.*)")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]?\1){2,}[ \t]?$")
_CODE = re.compile(r"(`{1,3})([^`\n]{1,400})\1")
_LINK = re.compile(r"!?\[([^\]\[\n]{0,200})\]\(([^)(\s]{0,500})[^)(\n]{0,200}\)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.{1,200}?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,200}?)(?<=\S)\*(?![\w*])")
#: A paragraph longer than this is nothing that a reader wrote for readers: it stays plain.
_LONGEST = 5_000


def rendered(text: str, instead: Callable[[Block], str | None] = lambda _: None) -> str:
    """The text as HTML. `instead` may give a sentence that stands in place of a block of code."""
    lines, html_parts, at = text.splitlines(), list[str](), 0
    for block in blocks(text):
        html_parts.extend(_prose(lines[at : block.first]))
        words = instead(block)
        html_parts.append(_block(block.text) if words is None else f'<p class="muted">{html.escape(words)}</p>')
        at = block.last + 1
    html_parts.extend(_prose(lines[at:]))
    return "\n".join(html_parts)


def _block(text: str) -> str:
    return f'<pre class="code mono" tabindex="0">{html.escape(text)}</pre>'


def _prose(lines: Sequence[str]) -> Iterator[str]:
    """Paragraphs, headings and lists; a table stays as it was typed."""
    at = 0
    while at < len(lines):
        line = lines[at]
        heading = _HEADING.match(line)
        if not line.strip() or _RULE.match(line):
            at += 1
        elif heading:
            yield f"<h3>{_inline(line.strip().strip('#').strip())}</h3>"
            at += 1
        else:
            kind = _kind(line)
            end = at + 1
            while end < len(lines) and lines[end].strip() and not _HEADING.match(lines[end]) and _goes_on(kind, lines[end]):
                end += 1
            yield _group(kind, lines[at:end])
            at = end


def _kind(line: str) -> str:
    """What a line begins: a list, a table, or a paragraph."""
    return "ul" if _BULLET.match(line) else "ol" if _NUMBER.match(line) else "pre" if line.lstrip().startswith("|") else "p"


def _goes_on(kind: str, line: str) -> bool:
    found = _kind(line)
    return found == kind or (kind in ("ul", "ol") and line.startswith(" "))


def _group(kind: str, lines: Sequence[str]) -> str:
    if kind == "pre":
        return _block("\n".join(lines))
    if kind == "p":
        return f"<p>{_inline(' '.join(line.strip().removeprefix('> ') for line in lines))}</p>"
    items: list[str] = []
    for line in lines:
        item = _BULLET.match(line) or _NUMBER.match(line)
        if item or not items:
            items.append(item[1] if item else line.strip())
        else:
            items[-1] += " " + line.strip()
    return f"<{kind}>{''.join(f'<li>{_inline(one)}</li>' for one in items)}</{kind}>"


def _inline(text: str) -> str:
    """Code, bold and slanted words. What stands in code is left as it is."""
    if len(text) > _LONGEST:
        return html.escape(text)
    parts, at = [], 0
    for match in _CODE.finditer(text):
        parts += [_words(text[at : match.start()]), f"<code>{html.escape(match[2].strip())}</code>"]
        at = match.end()
    return "".join([*parts, _words(text[at:])])


def _words(text: str) -> str:
    shown = html.escape(_LINK.sub(lambda link: f"{link[1]} ({link[2]})" if link[1] != link[2] else link[2], text))
    parts, at = [], 0
    for match in _STRONG.finditer(shown):
        parts += [_slanted(shown[at : match.start()]), f"<strong>{_slanted(match[2])}</strong>"]
        at = match.end()
    return "".join([*parts, _slanted(shown[at:])])


def _slanted(text: str) -> str:
    """Between the bold words and within them, never across their ends: tags close in their turn."""
    return _EMPHASIS.sub(r"<em>\1</em>", text)
