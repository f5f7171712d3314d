"""Checks an export on any machine: python3 verify.py [FOLDER]. Needs Python 3.8 or newer and nothing else.

It recomputes the SHA-256 of every original, the chain of each ledger and the hash of the manifest's own files, says
what is wrong, and ends with 0 when everything is whole, 1 when something is broken, 2 when there is nothing to check.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any, Dict, List  # noqa: UP035 (this file must run on old machines)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()


def check_ledger(exhibit: Dict[str, Any]) -> List[str]:  # noqa: UP006
    """Every seal again, from the first line to the last."""
    broken, before = [], ""
    for number, line in enumerate(exhibit["custody"], start=1):
        values = {name: value for name, value in line.items() if name != "seal"}
        words = json.dumps([before, values], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        if line.get("position") != number:
            broken.append("line {} of the ledger is missing".format(number))  # noqa: UP032
        if line.get("exhibit") != exhibit["reference"] or line.get("sha256") != exhibit["sha256"]:
            broken.append("line {} of the ledger is about another exhibit".format(number))  # noqa: UP032
        if hashlib.sha256(words.encode()).hexdigest() != line.get("seal"):
            broken.append("line {} of the ledger was changed".format(number))  # noqa: UP032
        before = line.get("seal", "")
    return broken or ([] if exhibit["custody"] else ["the ledger is empty"])


def check_exhibit(folder: Path, exhibit: Dict[str, Any]) -> List[str]:  # noqa: UP006
    """The original beside the manifest, and its ledger."""
    broken = check_ledger(exhibit)
    if not exhibit["file"]:
        return broken
    path = folder / exhibit["file"]
    if not path.is_file():
        return [*broken, "the original is missing"]
    if path.stat().st_size != exhibit["size"]:
        broken.append("the original has another size")
    elif digest(path) != exhibit["sha256"]:
        broken.append("the original was changed")
    return broken


def main(folder: Path) -> int:
    """Check everything that the manifest names; anything else lying there is named too."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    wrong = 0
    for exhibit in manifest["exhibits"]:
        broken = check_exhibit(folder, exhibit)
        wrong += bool(broken)
        left_out = "" if exhibit["file"] else " (left out of this package: {})".format(exhibit["left_out"])
        print("{}  {}{}".format("BROKEN" if broken else "whole ", exhibit["reference"], left_out))
        for words in broken:
            print("        " + words)
    known = {exhibit["file"] for exhibit in manifest["exhibits"]}
    for path in sorted((folder / "originals").glob("*")):
        if "originals/" + path.name not in known:
            wrong += 1
            print("BROKEN  originals/{} is not in the manifest".format(path.name))  # noqa: UP032
    print("{} exhibits, {} broken".format(len(manifest["exhibits"]), wrong))
    return 2 if not manifest["exhibits"] else int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent))
