"""What the person at the terminal sees: steps, alerts, the summary. Plain lines where it is no terminal."""

import os
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from demo.watch import Seen


class Screen:
    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)

    def say(self, text: str = "") -> None:
        self._console.print(text)

    @contextmanager
    def step(self, what: str) -> Iterator[Callable[[str], None]]:
        """`what` with a spinner while the block runs, and the time it took; call the value to show how far it is."""
        begin, last = time.monotonic(), ""
        if not self._console.is_terminal:
            self.say(f"  … {what}")

        with self._console.status(f"{what} …") as status:

            def update(detail: str) -> None:
                nonlocal last
                last = detail
                status.update(f"{what} … [dim]{escape(detail)}[/]")

            yield update
        took = f"{time.monotonic() - begin:.1f} s"
        self.say(f"  [green]✓[/] {what}  [dim]{took}{'  ' + escape(last) if last else ''}[/]")

    def alert(self, seen: Seen) -> None:
        moment = datetime.fromtimestamp(seen.event_us / 1e6).strftime("%H:%M:%S.%f")[:-3]
        sighting = seen.sighting
        place, label = f"{sighting.place:<34.34}", f"{sighting.label:<14.14}"
        colour = "green" if seen.ms < 10 else "yellow" if seen.ms < 50 else "red"
        self.say(
            f"[dim]{moment}[/]  {seen.camera:<9}  {escape(place)}  [bold]{escape(label)}[/] "
            f"{sighting.score:5.2f}  [{colour}]{seen.ms:7.1f} ms[/]"
        )

    @staticmethod
    def show_page(url: str) -> None:
        """In the browser, where there is a display to show one on."""
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            webbrowser.open(url)

    def table(self, title: str, rows: list[tuple[str, str]], note: str = "") -> None:
        table = Table(
            title=title, title_justify="left", title_style="bold", show_header=False, box=None, padding=(0, 2)
        )
        table.add_column(style="dim")
        table.add_column(justify="right")
        for name, value in rows:
            table.add_row(escape(name), escape(value))
        self._console.print()
        self._console.print(table)
        if note:
            self.say(f"[dim]{escape(note)}[/]")

    def verdict(self, right: bool, text: str) -> None:
        self.say(f"\n[bold {'green' if right else 'red'}]{'✓' if right else '✗'} {escape(text)}[/]")
