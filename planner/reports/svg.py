"""A figure of matplotlib as an element of a page, with ids of its own and words for who cannot see it."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["inline"]

_OPENING: Final = re.compile(r"<svg\b[^>]*>")
_VIEW: Final = re.compile(r'\bviewBox="[^"]*"')
_UNUSED: Final = re.compile(r"\s*<metadata>.*?</metadata>|\s*<style\b[^>]*>.*?</style>|<!--.*?-->", re.DOTALL)
_ID: Final = re.compile(r'\bid="([^"]+)"')
_LINK: Final = re.compile(r'(xlink:href="#|url\(#)')
_USED: Final = re.compile(r'(?:xlink:href="#|url\(#)([^")]+)')
_PATH: Final = re.compile(r' d="[^"]*"')
_LONG: Final = re.compile(r"\d+\.\d{3,}")
"""A length to more than a hundredth of a point."""
_LINES: Final = re.compile(r"\s*\n\s*")
_SPACE: Final = re.compile(r">\s+<")


def inline(axes: Axes, *, name: str, title: str, description: Sequence[str]) -> str:
    """Return the figure of some axes as an ``<svg>`` element.

    Parameters
    ----------
    name
        Of the figure on its page: its ids begin with it, so that those of two figures do not collide.
    title, description
        What a screen reader says.
    """
    from planner.plot.files import rendered

    text = rendered(axes, "svg").decode()
    opening = _OPENING.search(text)
    if opening is None:  # matplotlib always writes one
        raise ValueError(f"figure {name}: no SVG")
    view = _VIEW.search(opening[0])
    body = text[opening.end() : text.rindex("</svg>")]
    body = _UNUSED.sub("", body)
    used = set(_USED.findall(body))
    body = _ID.sub(lambda found: f'id="{name}-{found[1]}"' if found[1] in used else "", body)
    body = _LINK.sub(lambda found: f"{found[1]}{name}-", body)
    body = _PATH.sub(_shortened, _LINES.sub(" ", body))
    body = _SPACE.sub("><", body.replace("xlink:href", "href")).strip()
    said = f'<title id="{name}-title">{html.escape(title)}</title>'
    if description:
        said += f'<desc id="{name}-desc">{html.escape(" ".join(description))}</desc>'
    names = f"{name}-title {name}-desc" if description else f"{name}-title"
    return f'<svg role="img" aria-labelledby="{names}" {view[0] if view else ""}>{said}{body}</svg>'


def _shortened(path: re.Match[str]) -> str:
    """Write the points of a path to a hundredth."""
    return _LONG.sub(lambda found: f"{float(found[0]):.2f}", path[0])
