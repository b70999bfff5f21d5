"""Text without what no message may hold."""


def tidy(text: str) -> str:
    """Without half a surrogate pair, and without controls other than line ends and tabs."""
    whole = text.encode("utf-8", errors="replace").decode("utf-8")
    return "".join(c if c.isprintable() or c in "\n\t" else " " for c in whole.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """On one line, without anything that is not seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
