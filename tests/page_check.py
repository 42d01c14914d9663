#!/usr/bin/env python3
"""What a browser forgives in a page, and a reader must not need forgiven.

Usage: page_check.py FILE.  Exit status 1 and a line for each problem.
"""

import html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
VOID = {"meta", "link", "br", "hr", "img", "input"}
problems, ids, links = [], [], []

class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []
    def handle_starttag(self, tag, attrs):
        names = [a for a, _ in attrs]
        if len(names) != len(set(names)):
            problems.append("attribute twice in <%s>" % tag)
        for name, value in attrs:
            if name == "id":
                ids.append(value)
            if name in ("href", "xlink:href"):
                links.append(value)
            if name in ("src", "srcset", "action", "poster", "background", "data"):
                problems.append("%s=%s" % (name, value))
            if name.startswith("on"):
                problems.append("script in %s" % name)
            links.extend(re.findall(r"url\(([^)]*)\)", value or ""))
        if tag in ("script", "iframe", "object", "embed", "base", "form"):
            problems.append("<%s>" % tag)
        if tag not in VOID:
            self.open.append(tag)
    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()
    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            problems.append("</%s> at line %d" % (tag, self.getpos()[0]))

page = Page()
page.feed(text)
page.close()
if page.open:
    problems.append("left open: %s" % page.open)
twice = {i for i in ids if ids.count(i) > 1}
if twice:
    problems.append("ids twice: %s" % sorted(twice)[:5])
for link in links:
    link = link.strip("'\"")
    if link.startswith("#"):
        if link[1:] not in ids:
            problems.append("leads nowhere: %s" % link)
    elif link != "data:,":
        problems.append("leads outside: %s" % link)
problems += re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s<\"]*", re.sub(r'xmlns(:\w+)?="[^"]*"', "", text))
problems += re.findall(r"@import|\bfetch\(|javascript:", text)
print("\n".join(problems))
sys.exit(1 if problems else 0)
