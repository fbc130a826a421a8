"""How wide text is, before anybody draws it: for the wider of the usual fonts without serifs, so that labels fit."""

from __future__ import annotations

FAMILY = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_OF_WIDTH = {  # hundredths of the size: the larger advance of DejaVu Sans and Liberation Sans, in steps of 4
    28: "'ijl",
    32: " ,.I·",
    36: "/:;\\f|",
    40: "()-[]t",
    44: "!r",
    48: '"',
    52: "*J`",
    56: "?L_csz–",
    60: "kvxy",
    64: "$0123456789FTabdeghnopqu{}",
    68: "EKPSY",
    72: "ABVXZ",
    76: "CHNRU",
    80: "&DGOQ",
    84: "#+<=>^w~×−≠≤≥",
    88: "M",
    96: "%",
    100: "Wm…→",
    104: "@",
}
_WIDTHS = {letter: width / 100 for width, letters in _OF_WIDTH.items() for letter in letters}
_OTHER = 1.0  # any letter that is not in the table, ideographs among them


def width_of(text: str, size: float) -> float:
    """Pixels that a text takes at most.

    size: of the font, in pixels.
    """
    return size * sum(_WIDTHS.get(letter, _OTHER) for letter in text)


def fitted(text: str, size: float, most: float) -> str:
    """The text, cut with dots where it is wider than `most` pixels."""
    if width_of(text, size) <= most:
        return text
    while text and width_of(text + "…", size) > most:
        text = text[:-1]
    return text.rstrip() + "…"


def broken(text: str, size: float, most: float) -> list[str]:
    """The text in lines of at most `most` pixels, broken between words; a word that is wider is cut."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= most:
            lines[-1] = longer
        else:
            lines.append(fitted(word, size, most))
    return lines
