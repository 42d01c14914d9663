"""Draws for the report what the tools beside this one draw, and keeps it.

The tools are called as a reader would call them, one after the other in this
process: each picture comes with the command that makes it alone.
"""
import contextlib
import importlib
import io
import os
import re
import shlex
import sys
import tempfile

import style
from page import esc, missing, p
from results import Bad, shown


class Pictures:
    """What was drawn, with ids of its own; `why` says why nothing can be."""

    def __init__(self, why=None):
        self.why = why
        self.drawn = 0
        self.commands = []

    def draw(self, tool, path, caption, title, *options):
        """A figure, or the caption alone if nothing can draw."""
        words = "".join(p(esc(t)) for t in caption if t)
        if self.why:
            return words
        self.progress(title)
        with tempfile.TemporaryDirectory(prefix="rawmp-report-") as folder:
            svg = os.path.join(folder, "picture.svg")
            failed = run(tool, [path, "-o", svg, *options])
            if failed:
                return words + missing("%s could not draw this picture: %s" % (tool, failed))
            with open(svg, encoding="utf-8") as f:
                svg = f.read()
        self.drawn += 1
        name = "-".join([os.path.splitext(os.path.basename(path))[0]]
                        + [o for o in options if not o.startswith("-")])
        self.commands.append("python3 plots/%s %s -o %s.svg" % (
            tool, " ".join(shlex.quote(w) for w in (shown(path),) + options), name))
        svg = style.themed(svg, "p%d" % self.drawn)
        svg = re.sub(r'<svg\b[^>]*?(viewBox="[^"]*")[^>]*>',
                     lambda m: '<svg %s role="img" aria-label="%s">' % (m.group(1), esc(title)),
                     svg, count=1)
        return "<figure>\n%s\n<figcaption>\n%s</figcaption>\n</figure>\n" % (svg, words)

    def progress(self, title):
        """One rewritten line, on a terminal only."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[Kreport: picture %d: %s" % (self.drawn + 1, title[:60]))
            sys.stderr.flush()

    def done(self):
        if self.drawn and sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


def run(tool, argv):
    """The tool's main; None, or a sentence about what went wrong."""
    module = importlib.import_module(os.path.splitext(tool)[0])
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            module.main(argv)
    except Bad as e:
        return str(e)
    except SystemExit as e:
        return (said.getvalue().strip().splitlines() or [str(e)])[-1]
    except Exception as e:      # a bug in one picture costs that picture
        return "%s: %s" % (type(e).__name__, e)
    return None
