"""Build what a peer needs into build/peers/<name>, once; Maven and pip check their own pins."""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from tools.processes import ProcessError

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "peers"

_JVM_OPENS = (
    "java.lang",
    "java.lang.invoke",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "sun.nio.ch",
)


def maven(name: str) -> None:
    """Compile peers/<name>'s sources and copy its jars, if anything in them changed."""
    source = HERE / name
    stamp = _digest([source / "pom.xml", *sorted(source.rglob("*.java"))])
    if _is_fresh(name, stamp):
        return
    print(f"building {name} by Maven (the first time it fetches its jars) ...", flush=True)
    command = ["mvn", "--quiet", "--batch-mode", "--file", str(source / "pom.xml")]
    _run([*command, "compile", "dependency:copy-dependencies"])
    (BUILD / name / "stamp").write_text(stamp)


def venv(name: str) -> Path:
    """A virtual environment with the peer's hash-pinned requirements. Returns its Python."""
    requirements = HERE / name / "requirements.lock"
    python = BUILD / name / "bin" / "python"
    stamp = _digest([requirements])
    if not _is_fresh(name, stamp):
        print(f"installing {name} into a virtual environment of its own ...", flush=True)
        shutil.rmtree(BUILD / name, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(BUILD / name)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "-r", str(requirements)])
        (BUILD / name / "stamp").write_text(stamp)
    return python


def java(name: str, main: str, *arguments: str, heap: str = "1g") -> list[str]:
    """argv of a peer's main class. A fixed heap, so that no collector grows it while it is measured."""
    opens = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _JVM_OPENS]
    log = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    path = f"{BUILD / name / 'classes'}:{BUILD / name / 'libs'}/*"
    return ["java", f"-Xms{heap}", f"-Xmx{heap}", *opens, log, "-cp", path, main, *arguments]


def jar_version(name: str, artifact: str) -> str:
    """The version in the name of a jar that was copied."""
    jar = next((BUILD / name / "libs").glob(f"{artifact}-[0-9]*.jar"))
    return jar.stem.removeprefix(f"{artifact}-")


def _digest(files: list[Path]) -> str:
    return sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _is_fresh(name: str, stamp: str) -> bool:
    file = BUILD / name / "stamp"
    return file.exists() and file.read_text() == stamp


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise ProcessError(f"{command[0]} is needed") from None
    if done.returncode:
        raise ProcessError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
