"""The fenced blocks of a page, and whether what a page says is printed is what was printed."""

import re
import shlex
from dataclasses import dataclass

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<info>.*)$")


class PageError(Exception):
    """Something on the page does not hold."""


@dataclass
class Block:
    """A fenced block: ``line`` is that of its first line of code, ``heading`` how many headings stand before it."""

    language: str
    options: dict
    line: int
    heading: int
    code: str = ""


def blocks_of(text):
    """Return the fenced blocks of a page."""
    blocks, open_block, closing, indent, heading = [], None, "", 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        found = FENCE.match(line)
        if open_block is not None:
            if line.strip() == closing:
                blocks.append(open_block)
                open_block = None
            else:
                open_block.code += (line[indent:] if not line[:indent].strip() else line) + "\n"
        elif found:
            language, options = _info(found["info"], number)
            open_block = Block(language, options, number + 1, heading)
            closing, indent = found["fence"], len(found["indent"])
        elif line.startswith("#"):
            heading += 1
    if open_block is not None:
        raise PageError(f"line {open_block.line - 1}: the block is not closed.")
    return blocks


def _info(text, line):
    words = shlex.split(text)
    if not words:
        raise PageError(f"line {line}: the block does not say its language.")
    options = dict(word.partition("=")[::2] for word in words[1:])
    for option in options:
        if option not in ("file", "in", "exit"):
            raise PageError(f"line {line}: {option!r} is no option of a block. There are file=, in= and exit=.")
    return words[0], options


def compare(said, printed):
    """Compare what a page says is printed with what was.

    Raises:
        PageError: If the two differ.
    """
    pattern = ""
    for line in said.strip("\n").splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ \t]*\n"
    if not re.fullmatch(pattern, printed.strip("\n") + "\n" if printed.strip("\n") else ""):
        raise PageError(f"the page says:\n{said}\nbut this is printed:\n{printed}")
