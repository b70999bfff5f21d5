"""`python -m tests.catalogue`: what the pages say and a language does not have yet, as entries to fill in."""

import ast
from pathlib import Path

from jinja2 import Environment

from hybridd.dashboard.catalogue import entries

DASHBOARD = Path(__file__).resolve().parent.parent / "hybridd" / "dashboard"
MARKS = {"_", "gettext", "later", "ngettext"}


def said() -> dict[str, str]:
    """Every text of templates and code that is marked for translation, with the file that has it."""
    found: dict[str, str] = {}
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    for path in sorted((DASHBOARD / "templates").glob("*.j2")):
        for _, _, message in environment.extract_translations(path.read_text()):
            texts = [message] if isinstance(message, str) else [text for text in message if text]
            found |= dict.fromkeys(texts[:1], path.name)
    for path in sorted(DASHBOARD.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found[first.value] = path.name
    return found


def translated(language: str) -> dict[str, str]:
    """What a catalogue has."""
    return {
        message.partition("\0")[0]: text
        for message, text in entries((DASHBOARD / "locale" / f"{language}.po").read_text("utf-8"))
        if message
    }


if __name__ == "__main__":
    have = translated("tr")
    for text, place in said().items():
        if text not in have:
            print(f'# {place}\nmsgid {ast.unparse(ast.Constant(text))}\nmsgstr ""\n')
