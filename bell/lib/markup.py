"""Markdown of alerts to safe HTML for pages and mail, and to plain words for mail's text part and text messages.

CommonMark with a small allow-list: paragraphs, emphasis, lists, quotations, one level of heading and links. No images
(a remote one would tell who reads), no raw HTML, no code. A line break typed is a line break kept. The HTML passes
a second, independent allow-list, so that a fault of the first lets nothing through.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode
from markdown_it.utils import EnvType, OptionsDict

SCHEMES = frozenset({"http", "https", "mailto", "tel"})
TAGS = frozenset({"p", "br", "strong", "em", "ul", "ol", "li", "a", "h3", "blockquote"})
# A name and perhaps a port; no "name@", by which an address can look like one of ours and lead elsewhere.
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_RULES_OFF = ["code", "fence", "hr", "backticks", "html_block", "html_inline"]


def html(markdown: str) -> str:
    """Sanitised HTML of the allowed tags; every heading becomes h3, an image its alternative text."""
    tokens = _PARSER.parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h3"
    rendered = _PARSER.renderer.render(tokens, _PARSER.options, {})
    return nh3.clean(
        rendered,
        tags=set(TAGS),
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}},  # without "*" the library adds title and lang
        url_schemes=set(SCHEMES),
        link_rel="noopener",
    )


def plain(markdown: str) -> str:
    """Readable words: paragraphs apart by an empty line, "- " and "1. " lists, links as "words (address)"."""
    return _block(SyntaxTreeNode(_PARSER.parse(markdown))).strip()


def _image_as_words(self: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """The alternative text of an image, escaped by the renderer of text."""
    return self.renderInline(tokens[index].children or [], options, env)


def _may_link(url: str) -> bool:
    """Whether an address may become a link; otherwise the Markdown stays visible as it was typed."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    scheme = parts.scheme.lower()
    if scheme in ("http", "https"):
        return _HOST.fullmatch(parts.netloc) is not None
    return scheme in SCHEMES and bool(parts.path)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).disable(_RULES_OFF)
    parser.validateLink = _may_link  # type: ignore[method-assign]  # the library's own way to restrict links
    parser.add_render_rule("image", _image_as_words)
    return parser


def _block(node: SyntaxTreeNode) -> str:
    """One block and what stands in it. Depth is bounded by the parser's own limit on nesting."""
    if node.type in ("bullet_list", "ordered_list"):
        return _list(node)
    if node.type == "blockquote":
        return _indent(_join(node.children, "\n\n"), "> ", "> ")
    if node.type == "inline":
        return _inline(node.token.children or [] if node.token else [])
    return _join(node.children, "\n\n")


def _list(node: SyntaxTreeNode) -> str:
    """A list with its marks; items stand apart by an empty line where the author left one."""
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    apart = "\n" if tight else "\n\n"
    number = int(node.attrs.get("start") or 1)
    items = []
    for offset, item in enumerate(node.children):
        mark = f"{number + offset}. " if node.type == "ordered_list" else "- "
        items.append(_indent(_join(item.children, apart), mark, " " * len(mark)) or mark.strip())
    return apart.join(items)


def _join(nodes: Sequence[SyntaxTreeNode], apart: str) -> str:
    return apart.join(words for words in map(_block, nodes) if words)


def _indent(words: str, first: str, later: str) -> str:
    """Lines with a mark before the first and another before the later ones; empty lines get no trailing space."""
    lines = words.split("\n") if words else []
    return "\n".join(((later if number else first) + line).rstrip() for number, line in enumerate(lines))


def _inline(children: list[Token]) -> str:
    """The words of one block; a link is followed by its address unless it is its own words."""
    out: list[str] = []
    links: list[tuple[int, str]] = []  # where in `out` a link began, and its address
    for token in children:
        if token.type in ("softbreak", "hardbreak"):
            out.append("\n")
        elif token.type == "image":
            out.append(_inline(token.children or []))
        elif token.type == "link_open":
            links.append((len(out), str(token.attrGet("href") or "")))
        elif token.type == "link_close":
            start, address = links.pop()
            words = "".join(out[start:])
            del out[start:]
            out.append(_link(words, address))
        else:
            out.append(token.content)
    return "".join(out)


def _link(words: str, address: str) -> str:
    bare = address.removeprefix("mailto:").removeprefix("tel:")
    if words.strip() in (address, bare, ""):
        return words.strip() or bare
    return f"{words} ({bare})"


_PARSER = _parser()
