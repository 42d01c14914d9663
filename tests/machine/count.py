#!/usr/bin/env python3
"""What meson's log says of the test cases.

count.py STATUS LOG     how many passed and failed: two numbers.  LOG is what a test
                        command printed, STATUS its exit status.  Cases are read from
                        meson's own log when meson ran last, or from a line
                        "N passed, N failed".
count.py --failed JSON  the cases that failed, with what they said, from meson's log
"""

import json
import re
import sys


def meson_cases(path):
    """One entry a test program, with its TAP as standard output."""
    passed = failed = 0
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            test = json.loads(line)
            tap = re.findall(r"^(not )?ok\b(.*)", test.get("stdout", ""), re.MULTILINE)
            good = sum(1 for no, rest in tap if not no and "# SKIP" not in rest.upper())
            bad = sum(1 for no, rest in tap if no)
            if test["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
                # without TAP the program itself is the case
                passed += good if tap else test["result"] == "OK"
            else:
                passed += good
                failed += bad or 1
    return passed, failed


def show_failed(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        for test in map(json.loads, f):
            failed = re.findall(r"^not ok\b.*\n(?:#.*\n)*", test.get("stdout", ""),
                                re.MULTILINE)
            if test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL"):
                print(f"\n{test['name']}: {test['result']}")
                print("".join(failed) or test.get("stderr", ""), end="")


def count(text):
    log = re.findall(r"^Full log written to (.*)\.txt$", text, re.MULTILINE)
    if log:
        return meson_cases(log[-1] + ".json")
    found = re.findall(r"^(\d+) passed, (\d+) failed", text, re.MULTILINE)
    return tuple(map(int, found[-1])) if found else (0, 0)


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--failed":
        return show_failed(sys.argv[2])
    if len(sys.argv) != 3 or not sys.argv[1].isdigit():
        sys.exit(__doc__)
    with open(sys.argv[2], encoding="utf-8", errors="replace") as f:
        passed, failed = count(f.read())
    if sys.argv[1] != "0" and failed == 0:
        failed = 1
    print(passed, failed)
    return None


if __name__ == "__main__":
    main()
