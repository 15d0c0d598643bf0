"""Judging enlargements: figures, baselines, the best linear filter, intervals, test pictures."""

from nn.judging.borders import BORDERS, Border
from nn.judging.histograms import matched_to
from nn.judging.intervals import Interval, crossed_interval, paired_interval
from nn.judging.linear_filter import LinearFilter, fit_linear_filter
from nn.judging.metrics import delta_e2000, luma, psnr, ssim
from nn.judging.perceptual import PerceptualDistance
from nn.judging.pictures import FolderSet, PictureSet, SplitSet, load_test_pictures
from nn.judging.quality import Judge, Quality, bicubic_quality, evaluate, mean_quality

__all__ = [
    "BORDERS",
    "Border",
    "FolderSet",
    "Interval",
    "Judge",
    "LinearFilter",
    "PerceptualDistance",
    "PictureSet",
    "Quality",
    "SplitSet",
    "bicubic_quality",
    "crossed_interval",
    "delta_e2000",
    "evaluate",
    "fit_linear_filter",
    "load_test_pictures",
    "luma",
    "matched_to",
    "mean_quality",
    "paired_interval",
    "psnr",
    "ssim",
]
