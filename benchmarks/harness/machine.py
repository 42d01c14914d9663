"""The machine's card, of tests/machine/doctor.py."""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def card():
    doctor = os.path.join(ROOT, "tests", "machine", "doctor.py")
    try:
        p = subprocess.run([sys.executable, doctor, "--json"],
                           capture_output=True, text=True, timeout=30)
        return json.loads(p.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as e:
        return {"error": f"doctor.py: {e}"}
