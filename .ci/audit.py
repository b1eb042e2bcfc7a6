"""Hold the locked dependencies against the databases of known vulnerabilities.

Ends with 1 where a locked version is known to be vulnerable. Where no database can be reached
it says so and ends with 0, because a network that is down says nothing about the code; with
RENWEI_AUDIT=required that is a failure too (for a release).
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
DATABASES = ("pypi", "osv")
WAIT_S = 10


def locked(into: Path) -> None:
    """Write every locked dependency, those for development too, as pip writes them."""
    line = [str(BIN / "uv"), "export", "--quiet", "--frozen", "--all-groups", "--no-emit-project"]
    subprocess.run([*line, "--no-hashes", "--output-file", str(into)], cwd=ROOT, check=True)


def asked(requirements: Path, database: str) -> list[dict[str, Any]] | None:
    """What a database says of each dependency; None where it could not be reached."""
    line = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps"]
    line += ["--disable-pip", "--format", "json", "--progress-spinner", "off"]
    line += ["--vulnerability-service", database, "--timeout", str(WAIT_S)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found if any("vulns" in one for one in found) else None


def main() -> int:
    """Audit; prints one line a vulnerability."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "locked.txt"
        locked(requirements)
        for database in DATABASES:
            found = asked(requirements, database)
            if found is not None:
                return told(found, database)
    required = os.environ.get("RENWEI_AUDIT") == "required"
    say(
        f"No database of vulnerabilities could be reached ({', '.join(DATABASES)}): "
        "NOTHING WAS AUDITED. Run this again where the network allows it."
    )
    return int(required)


def told(found: list[dict[str, Any]], database: str) -> int:
    """Say what was found; 1 where something is vulnerable."""
    bad = [(one, vuln) for one in found for vuln in one.get("vulns", [])]
    for one, vuln in bad:
        fixed = ", ".join(vuln.get("fix_versions", [])) or "no version"
        say(f"{one['name']} {one['version']}: {vuln['id']}, fixed in {fixed}")
    skipped = [one["name"] for one in found if "vulns" not in one]
    if skipped:
        say(f"Not in {database}, so not audited: {', '.join(skipped)}")
    say(f"{len(found) - len(skipped)} dependencies audited against {database}, {len(bad)} bad.")
    return int(bool(bad))


def say(line: str) -> None:
    """One line."""
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
