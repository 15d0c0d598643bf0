"""Who is told how far a run is."""

from __future__ import annotations

from opticonv.console import progress_bar, progress_console
from opticonv.enlarging.jobs import Job

__all__ = ["Display", "Observer"]


class Observer:
    """Is told how far a run is; this one does nothing with it."""

    def planned(self, pixels: int) -> None:
        """All input pixels of all results."""

    def begins(self, job: Job, number: int, of: int) -> None:
        """The next result."""

    def advances(self, pixels: float) -> None:
        """So many input pixels more."""

    def failed(self, job: Job, why: str) -> None:
        """A picture is left out."""


class Display(Observer):
    """Shows it on a progress bar, and failures as lines beside it."""

    def __init__(self) -> None:
        self._progress = progress_bar()
        self._task = self._progress.add_task("enlarging")

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress.live.is_started:
            self._progress.stop()

    def planned(self, pixels: int) -> None:
        # Not before: opening a device may show a bar of its own.
        self._progress.update(self._task, total=pixels)
        self._progress.start()

    def begins(self, job: Job, number: int, of: int) -> None:
        how = "by light" if job.way == "optical" else "electronically"
        what = f"{number}/{of} {job.source.name} " if of > 1 else ""
        self._progress.update(self._task, description=f"enlarging {what}{how}")

    def advances(self, pixels: float) -> None:
        self._progress.advance(self._task, pixels)

    def failed(self, job: Job, why: str) -> None:
        line = " ".join(f"left out: {why}".split())
        progress_console.print("[bold red]error:[/]", end=" ")
        progress_console.print(line, markup=False, highlight=False, soft_wrap=True)
