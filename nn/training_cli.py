"""Command line of `nn.training`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from nn.data import load_photos
from nn.judging import bicubic_quality, evaluate, load_test_pictures, mean_quality
from nn.losses import VGGFeatureLoss
from nn.super_resolution import SuperResolutionModel
from nn.training import Recipe, TrainingState, command_line, export_weights, resume_or_start, train

__all__ = ["main", "train_command"]

console = Console()


def train_command(
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, at least 256² each.")],
    out: Annotated[Path, typer.Option(help="Weights to write (.safetensors).")],
    run: Annotated[Path | None, typer.Option(help="Run folder; default: OUT's name + .run")] = None,
    epochs: Annotated[int, typer.Option(min=1)] = 15,
    batch: Annotated[int, typer.Option(min=1)] = 4,
    rate: Annotated[float, typer.Option(help="Learning rate of the first epoch.")] = 0.01,
    schedule: Annotated[Literal["step", "cosine"], typer.Option()] = "step",
    augment: Annotated[bool, typer.Option(help="Random windows, flips, transposes.")] = False,
    mse: Annotated[float, typer.Option(help="Weight of the mean squared error.")] = 1.0,
    mge: Annotated[float, typer.Option(help="Weight of the mean gradient error.")] = 0.0,
    feature: Annotated[float, typer.Option(help="Weight of the VGG feature loss.")] = 0.0,
    vgg: Annotated[Path | None, typer.Option(help="VGG-16 weights, torchvision's keys.")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    limit: Annotated[int | None, typer.Option(help="At most so many pictures a split.")] = None,
    test: Annotated[list[Path] | None, typer.Option(help="Test folder(s) for the card.")] = None,
    optics: Annotated[str | None, typer.Option(help="Train on this device (URI).")] = None,
    threads: Annotated[int, typer.Option(min=1, help="torch threads.")] = 1,
) -> None:
    """Train the ×8 network on a folder of photographs; go on where an earlier run stopped."""
    torch.set_num_threads(threads)
    try:
        recipe = Recipe(epochs, batch, rate, schedule, augment, mse, mge, feature, seed)
        feature_loss = VGGFeatureLoss.from_file(vgg) if vgg is not None else None
        training = load_photos(photos, "training", limit=limit)
        validation = load_photos(photos, "validation", limit=limit)
        last = (run or out.with_suffix(".run")) / "last.pt"
        state = resume_or_start(recipe, last, optical=optics is not None, optics=optics)
        console.print(
            f"{len(training.names)} training and {len(validation.names)} validation pictures; "
            f"{len(training.rejected)} left out; {len(state.history)} epochs already done"
        )
        data = {
            "training_pictures": len(training.names),
            "validation_pictures": len(validation.names),
        }
        try:
            _run(state, training.pictures, validation.pictures, feature_loss, last, out, data)
        except KeyboardInterrupt:
            console.print(f"interrupted; {len(state.history)} epochs are kept in {last}")
            raise typer.Exit(130) from None
        _complete_card(out, state, validation.pictures, test or [], data)
    except (ValueError, FileNotFoundError) as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(2) from None


def _run(
    state: TrainingState,
    training: torch.Tensor,
    validation: torch.Tensor,
    feature_loss: VGGFeatureLoss | None,
    last: Path,
    out: Path,
    data: dict[str, int],
) -> None:
    columns = (TextColumn("epoch {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(f"{len(state.history) + 1}/{state.recipe.epochs}")

        def on_batch(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        for entry in train(
            state, training, validation, feature_loss=feature_loss, on_batch=on_batch
        ):
            state.save(last)
            if state.best is entry:
                export_weights(state.model, out, _card(state, data))
            console.print(
                f"epoch {entry.epoch:3d}  rate {entry.rate:.2e}  loss {entry.loss:.6f}  "
                f"validation PSNR (RGB) {entry.validation_psnr_rgb_db:.3f} dB  "
                f"{entry.seconds:.0f} s"
            )
            if entry.epoch < state.recipe.epochs:
                progress.reset(task, description=f"{entry.epoch + 1}/{state.recipe.epochs}")


def _card(state: TrainingState, data: dict[str, int]) -> dict[str, Any]:
    best = state.best
    return {
        "command": command_line(),
        "recipe": asdict(state.recipe),
        "epochs_finished": len(state.history),
        "best": asdict(best) if best is not None else None,
        "data": data,
        "sampling": "×8 decimation of pixels 4, 12, 20, …; bicubic aligned to it",
        "output": "no output activation; figures are of outputs clamped to [0, 1], 8 bits",
    }


def _complete_card(
    out: Path,
    state: TrainingState,
    validation: torch.Tensor,
    tests: list[Path],
    data: dict[str, int],
) -> None:
    """Measure the weights in `out` on the validation pictures and the test sets."""
    from safetensors.torch import load_file

    model = SuperResolutionModel()
    weights = load_file(out)
    model.load_state_dict(weights)
    model.eval()
    card = _card(state, data)
    sets = [("validation", [picture.float() / 255.0 for picture in validation])]
    sets += [(folder.name, [p for _, p in load_test_pictures(folder)]) for folder in tests]
    card["quality"] = {}
    for name, pictures in sets:
        network = mean_quality([evaluate(model, picture) for picture in pictures])
        bicubic = mean_quality([bicubic_quality(picture) for picture in pictures])
        card["quality"][name] = {"network": asdict(network), "bicubic": asdict(bicubic)}
        console.print(
            f"{name}: network {network.psnr_rgb_db:.3f} dB (RGB), {network.psnr_y_db:.3f} dB (Y); "
            f"bicubic {bicubic.psnr_rgb_db:.3f} dB, {bicubic.psnr_y_db:.3f} dB"
        )
    export_weights(model, out, card)


def main() -> None:
    """Entry point of ``python -m nn.training``."""
    typer.run(train_command)
