"""HTML, in the few shapes that the report uses."""
import html
import re

from results import digits, interval_text, number, times_text

DASH = "\u2013"


def esc(x):
    return html.escape(str(x), quote=True)


def p(text, cls=None):
    return "<p%s>%s</p>\n" % (' class="%s"' % cls if cls else "", text)


def code(text):
    return "<code>%s</code>" % esc(text)


def missing(sentence, command=None):
    """What is not there, and the command that makes it."""
    return p(esc(sentence) + (" Make it: %s." % code(command) if command else ""), "missing")


def bad(error):
    """A Bad as a paragraph; what it puts in back quotes becomes code."""
    return p(re.sub(r": (make [a-z]+(?: N=\d+)?)$", r": <code>\1</code>", marked(error))
             + ".", "missing")


def marked(text):
    """Text of a lesson: `code` in back quotes."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", esc(text))


def table(head, rows, label, left=1, wrap=()):
    """head: texts; rows: lists of ready HTML; the first `left` columns flush left."""
    out = ['<div class="scroll" role="region" tabindex="0" aria-label="%s">\n<table>\n'
           "<thead><tr>" % esc(label)]
    for i, h in enumerate(head):
        out.append('<th scope="col"%s>%s</th>' % (' class="l"' if i < left else "", esc(h)))
    out.append("</tr></thead>\n<tbody>\n")
    for row in rows:
        cells = []
        for i, cell in enumerate(row):
            kind = " ".join((["l"] if i < left else []) + (["wrap"] if i in wrap else []))
            kind = ' class="%s"' % kind if kind else ""
            cells.append('<th scope="row"%s>%s</th>' % (kind, cell) if i == 0 else
                         "<td%s>%s</td>" % (kind, cell))
        out.append("<tr>%s</tr>\n" % "".join(cells))
    out.append("</tbody>\n</table>\n</div>\n")
    return "".join(out)


def section(ident, title, body):
    return '<section id="%s">\n<h2>%s</h2>\n%s</section>\n' % (ident, esc(title), body)


def with_interval(e, form=times_text, unit=""):
    """A cell: the value, its interval below."""
    text = esc(form(e.value)) + unit
    if e.known():
        text += '<span class="iv">%s</span>' % esc(interval_text(e, form))
    return text


def value_text(v):
    """Any JSON value as a person reads it."""
    if isinstance(v, bool):
        return "yes" if v else "no"
    if v is None:
        return DASH
    if isinstance(v, dict):
        return ", ".join("%s %s" % (k, value_text(x)) for k, x in v.items())
    if isinstance(v, list):
        return ", ".join(value_text(x) for x in v)
    if number(v) is not None and v != int(v):
        return digits(v)
    return str(v)
