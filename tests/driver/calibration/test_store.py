"""Calibration files: what goes in comes out, and nothing unsound gets in."""

from __future__ import annotations

import dataclasses
import os

import h5py
import numpy as np
import pytest

from driver.calibration import Calibration, load, save, store
from driver.calibration.seal import write_seal
from driver.errors import CalibrationError, CalibrationMismatchError


@pytest.fixture
def file(specimen, tmp_path):
    path = tmp_path / "device.h5"
    specimen.calibration.save(path)
    return path


def test_round_trip_keeps_every_bit(specimen, file):
    loaded = Calibration.load(file)
    for item in dataclasses.fields(Calibration):
        ours, theirs = getattr(specimen.calibration, item.name), getattr(loaded, item.name)
        assert type(theirs) is type(ours), item.name
        if isinstance(ours, np.ndarray):
            assert theirs.dtype == ours.dtype, item.name
            np.testing.assert_array_equal(theirs, ours, err_msg=item.name)
        else:
            assert theirs == ours, item.name


def test_a_loaded_calibration_works(specimen, file):
    """The same device transforms with it (bits differ: frames are new ones)."""
    specimen.device.load_calibration(file)
    assert specimen.device.calibration is not None


def test_another_device_is_refused(specimen, file):
    other = dataclasses.replace(specimen.device.info, serial="lab-0000000000")
    with pytest.raises(CalibrationMismatchError, match=r"lab-0000000000"):
        load(file, other)


def test_another_profile_is_refused(specimen, file):
    other = dataclasses.replace(specimen.device.info, profile_hash="0" * 64)
    with pytest.raises(CalibrationMismatchError, match="profile"):
        load(file, other)


def test_its_own_device_is_accepted(specimen, file):
    assert load(file, specimen.device.info).serial == specimen.device.info.serial


def test_one_changed_value_is_noticed(file):
    with h5py.File(file, "r+") as opened:
        opened["rho"][0, 3, 4] += 1e-9
    with pytest.raises(CalibrationError, match="checksum"):
        load(file)


def test_a_changed_figure_is_noticed(file):
    with h5py.File(file, "r+") as opened:
        opened["figures"].attrs["residual"] = 0.0
    for _ in range(2):  # by the seal, and by the checksum of what it holds
        with pytest.raises(CalibrationError, match="checksum"):
            load(file)
        write_seal(file)


def test_a_lost_seal_is_noticed(file):
    file.write_bytes(file.read_bytes()[512:])  # a sound HDF5 file
    with pytest.raises(CalibrationError, match="no seal"):
        load(file)


def test_another_schema_is_refused_by_number(file):
    with h5py.File(file, "r+") as opened:
        opened.attrs["schema"] = store.SCHEMA + 1
    write_seal(file)
    with pytest.raises(CalibrationError, match=f"schema {store.SCHEMA + 1}"):
        load(file)


def test_a_missing_dataset_is_named(file):
    with h5py.File(file, "r+") as opened:
        del opened["partner"]
    write_seal(file)
    with pytest.raises(CalibrationError, match="partner"):
        load(file)


@pytest.mark.parametrize("kept", [0, 1, 100, 5000])
def test_a_truncated_file_is_refused(file, kept):
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(CalibrationError, match=file.name):
        load(file)


def test_another_hdf5_file_is_refused(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as opened:
        opened["data"] = np.zeros(3)
    with pytest.raises(CalibrationError, match="not a calibration"):
        load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CalibrationError, match=r"nowhere\.h5"):
        load(tmp_path / "nowhere.h5")


def test_failure_leaves_the_old_file_and_nothing_else(specimen, file, monkeypatch):
    before = file.read_bytes()

    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(CalibrationError, match="no space left"):
        save(specimen.calibration, file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_that_is_not_there_is_said(specimen, tmp_path):
    with pytest.raises(CalibrationError, match="cannot write"):
        save(specimen.calibration, tmp_path / "missing" / "device.h5")
