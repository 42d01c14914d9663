#!/usr/bin/env python3
"""Many calls of the drawing tools in one process, and what must hold of each.

Usage: plots_run.py draw|refuse FOLDER <LINES

Each tool's main gets the words that its command line would get; the cases in
plots*.bats start a tool by itself where the start is what they test.

draw     NAME|TOOL|FILE AND OPTIONS|WORD;WORD…   draws FOLDER/NAME.svg, which
         must be an SVG of its own and hold each word as a text
refuse   TOOL|FILE AND OPTIONS|WORD;WORD…        must end with status 2 and one
         line that holds each word, and leave nothing behind

Exit status 1 and a line for each problem.
"""
import contextlib
import importlib
import io
import os
import re
import shlex
import sys
import xml.etree.ElementTree as tree

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
PLOTS = os.path.join(os.path.dirname(HERE), "plots")
sys.path.insert(0, PLOTS)
FOREIGN = re.compile("DejaVu|<image|<script|@import|<metadata")


def call(tool, words):
    """(status, what went to stderr) of one tool, as results.run has it."""
    results = importlib.import_module("results")
    module = importlib.import_module(tool)
    said, sys.argv = io.StringIO(), [os.path.join(PLOTS, tool + ".py")] + words
    try:
        with contextlib.redirect_stderr(said):
            results.run(module.main)
    except SystemExit as e:
        return e.code, said.getvalue()
    raise AssertionError("%s came back" % tool)


def draw(folder, line):
    name, tool, words, texts = line.split("|")
    out = os.path.join(folder, name + ".svg")
    status, said = call(tool, shlex.split(words) + ["-o", out])
    if status:
        return ["status %s: %s" % (status, said)]
    with open(out, encoding="utf-8") as f:
        svg = f.read()
    root = tree.fromstring(svg)
    have = {"".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")}
    problems = ["it holds %s" % x for x in set(FOREIGN.findall(svg))]
    if "system-ui" not in svg:
        problems.append("no font stack")
    return problems + ["not there: %s" % t for t in texts.split(";") if t and t not in have]


def refuse(folder, line):
    tool, words, texts = line.split("|")
    left = os.path.join(folder, "left")
    os.makedirs(left, exist_ok=True)
    words = shlex.split(words)
    if "-o" not in words:
        words += ["-o", os.path.join(left, "out.svg")]
    status, said = call(tool, words)
    problems = [] if status == 2 else ["status %s" % status]
    if len(said.splitlines()) != 1:
        problems.append("not one line: %r" % said)
    problems += ["%r lacks: %s" % (said, t) for t in texts.split(";") if t not in said]
    return problems + ["left behind: %s" % x for x in os.listdir(left)]


def main():
    what, folder = sys.argv[1:]
    check = {"draw": draw, "refuse": refuse}[what]
    failed = calls = 0
    for line in sys.stdin.read().splitlines():
        calls += 1
        for problem in check(folder, line):
            failed = 1
            print("%s: %s" % (line, problem))
    if not calls:
        failed = 1
        print("no line to check")
    return failed


if __name__ == "__main__":
    sys.exit(main())
