"""Under which licences stands what users install with us: `python -m benchmarks.licences` prints a table.

It follows what is installed here, from the package's own dependencies and extras on, and fails where a package says
nothing, or names a licence that nobody has agreed to yet.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement

PACKAGE = "a2e-async"
AGREED = re.compile(
    r"\b(MIT|BSD|Apache|PSF|Python Software Foundation|ISC|Unlicense|MPL[- ]2|HPND|0BSD)\b|Mozilla Public License 2"
)
ONLY_USED = {
    "psycopg": "LGPL-3.0-only",  # used as it is, never changed or built in, and with PostgreSQL alone
    "psycopg-binary": "LGPL-3.0-only",
    "psycopg-pool": "LGPL-3.0-only",
}


def needed(name: str, extras: frozenset[str], seen: dict[str, Distribution]) -> Mapping[str, Distribution]:
    """Give a package and all that it needs, as far as it is installed here."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return seen  # for another system, or another Python
    first = name.lower().replace("_", "-") not in seen
    seen[name.lower().replace("_", "-")] = found
    for line in found.requires or ():
        wanted = Requirement(line)
        marked = wanted.marker
        wants = marked is None or any(marked.evaluate({"extra": extra}) for extra in (extras or {""}))
        if wants and (first or extras):
            needed_once(wanted, seen)
    return seen


def needed_once(wanted: Requirement, seen: dict[str, Distribution]) -> None:
    """Follow a requirement, unless it was followed already without extras."""
    if wanted.name.lower().replace("_", "-") not in seen or wanted.extras:
        needed(wanted.name, frozenset(wanted.extras), seen)


def licence_of(found: Distribution) -> str:
    """Give what a package says of its licence, "" where it says nothing."""
    facts = found.metadata
    expression = facts.get("License-Expression")
    if expression:
        return expression
    classified = [
        one.rpartition(" :: ")[2] for one in facts.get_all("Classifier") or () if one.startswith("License ::")
    ]
    return ", ".join(classified) or (facts.get("License") or "").strip().partition("\n")[0][:60]


def rows() -> Iterator[tuple[str, str]]:
    """Give the name and the licence of each package, without our own."""
    extras = frozenset(distribution(PACKAGE).metadata.get_all("Provides-Extra") or ())
    for name, found in sorted(needed(PACKAGE, extras, {}).items()):
        if name != PACKAGE:
            yield name, licence_of(found)


def main() -> int:
    """Print the table, and give 1 where something is not agreed to."""
    bad = []
    sys.stdout.write("| package | licence |\n| --- | --- |\n")
    for name, licence in rows():
        sys.stdout.write(f"| {name} | {licence} |\n")
        if not AGREED.search(licence) and ONLY_USED.get(name) != licence:
            bad.append(f"{name}: {licence or 'says nothing'}")
    sys.stderr.write("".join(f"not agreed to: {line}\n" for line in bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
