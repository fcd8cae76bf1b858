#!/usr/bin/env python3
"""Runs `loadgate demo` on a pseudo-terminal and draws its summary as docs/demo.svg, colours and all.

    cargo build --release && docs/demo-svg.py

Nothing is written by hand: every line is one that the run printed. Sections that are left out are marked with an
ellipsis. Needs Python 3 and nothing else. Arguments go to the demo. The plan's thresholds and the picture's are compared by tests/it/readme.rs.
"""

import html
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "target/release/loadgate"
COMMAND = ["demo", *sys.argv[1:]]
LEFT_OUT = {"CUSTOM", "HTTP", "EXECUTION", "NETWORK"}
COLOURS = {"31": "#ff7b72", "32": "#3fb950", "33": "#d29922", "36": "#79c0ff"}
CHARACTER, LINE, MARGIN = 8.43, 19, 20


def run() -> str:
    """What the run wrote to stdout, a terminal; its progress is left to stderr."""
    master, slave = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        [PROGRAM, *COMMAND], stdout=slave, stdin=subprocess.DEVNULL, cwd=ROOT, env=environment | {"TERM": "xterm-256color"}
    )
    os.close(slave)
    written = b""
    try:
        while chunk := os.read(master, 65536):
            written += chunk
    except OSError:  # Linux' end of a terminal
        pass
    print(f"exit code {process.wait()}", file=sys.stderr)
    return written.decode().replace("\r\n", "\n")


def bare(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def trimmed(text: str) -> list[str]:
    """The summary without some of its sections; one `…` for each stretch that is left out."""
    kept: list[str] = []
    for paragraph in text.strip("\n").split("\n\n"):
        if bare(paragraph).split("\n")[0].strip() not in LEFT_OUT:
            kept.append(paragraph)
        elif kept[-1] != "    …":
            kept.append("    …")
    return "\n\n".join(kept).split("\n")


def spans(line: str) -> str:
    """A line with its colours as <tspan>s."""
    drawn, style = "", ""
    for part in re.split(r"(\x1b\[[0-9;]*m)", line):
        escape = re.fullmatch(r"\x1b\[([0-9;]*)m", part)
        if not escape:
            text = html.escape(part).replace(" ", "\u00a0")
            drawn += f"<tspan {style}>{text}</tspan>" if style and text else text
            continue
        codes = escape[1].split(";")
        if codes in (["0"], [""]):
            style = ""
        for code in codes:
            if code in COLOURS:
                style = f'fill="{COLOURS[code]}"'
            elif code == "1":
                style = 'font-weight="bold" fill="#f0f6fc"'
            elif code == "2":
                style = 'fill="#8b949e"'
    return drawn


def main() -> None:
    lines = ["$ loadgate " + " ".join(COMMAND), "", *trimmed(run())]
    width = round(max(len(bare(line)) for line in lines) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN + 20
    texts = [
        f'<text x="{MARGIN}" y="{MARGIN + 34 + at * LINE}">{spans(line)}</text>' for at, line in enumerate(lines) if line
    ]
    dots = "".join(
        f'<circle cx="{MARGIN + at * 20}" cy="18" r="6" fill="{fill}"/>'
        for at, fill in enumerate(["#ff5f57", "#febc2e", "#28c840"])
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="A terminal: the summary of loadgate demo">\n'
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>{dots}\n'
        f'<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="14" fill="#c9d1d9">\n'
        + "\n".join(texts)
        + "\n</g>\n</svg>\n"
    )
    (ROOT / "docs/demo.svg").write_text(svg)


if __name__ == "__main__":
    main()
