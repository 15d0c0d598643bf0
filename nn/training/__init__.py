"""Training of super-resolution networks: electronic, by light, or one after the other.

>>> from pathlib import Path
>>> from nn.training import load_config, train
>>> config = load_config("original", ["data.folder=photos"])
>>> train(config, Path("run"))  # doctest: +SKIP

==================  ==========================================================================
config              what decides a run; `config_file` reads TOML
order, crops        which crop of which photograph a step sees: functions of seed, epoch, index
data_module         the pictures, in memory, and the place in their stream
objective           the weighted sum that is minimised
schedule            the learning rate
averaging           the running mean of the weights
optics              a process's device
lit_module          one step, one validation, what a checkpoint holds
checkpoints         when a run is saved, and what may go on with it
interruption        Ctrl-C
run_log             TensorBoard
export              weights and model card
run                 all of it
==================  ==========================================================================

Names are imported when first used: Lightning takes seconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nn.training.config import TrainingConfig
    from nn.training.config_file import ConfigError, config_names, load_config
    from nn.training.interruption import InterruptedRunError, StopRequest
    from nn.training.lit_module import EpochRecord
    from nn.training.run import FinishedRun, train

__all__ = [
    "ConfigError",
    "EpochRecord",
    "FinishedRun",
    "InterruptedRunError",
    "StopRequest",
    "TrainingConfig",
    "config_names",
    "load_config",
    "train",
]

_HOME = {
    "ConfigError": "config_file",
    "EpochRecord": "lit_module",
    "FinishedRun": "run",
    "InterruptedRunError": "interruption",
    "StopRequest": "interruption",
    "TrainingConfig": "config",
    "config_names": "config_file",
    "load_config": "config_file",
    "train": "run",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"nn.training.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
