"""Reads what `landmark-extraction extract DATA --out DIR` writes: one array (frames, 1662) per sample, NaN where nothing was found.

    ids, arrays = load("DIR", "train")
    hand = arrays[0][:, SLICES["right_hand"]].reshape(-1, 21, 3)  # x, y, z of each point
"""
from pathlib import Path
import numpy as np

SLICES = {"pose": slice(0, 132), "left_hand": slice(132, 195), "right_hand": slice(195, 258), "face": slice(258, 1662)}

def load(folder, split):
    paths = sorted((Path(folder) / split).glob("*.npy"))
    return [path.stem for path in paths], [np.load(path, allow_pickle=False) for path in paths]

try:
    from torch import from_numpy
    from torch.utils.data import Dataset
except ImportError:  # The arrays need numpy alone.
    pass
else:
    class Landmarks(Dataset):
        """Items are (id, tensor); an array is read when its item is asked for."""
        def __init__(self, folder, split):
            self.paths = sorted((Path(folder) / split).glob("*.npy"))
        def __len__(self):
            return len(self.paths)
        def __getitem__(self, idx):
            return self.paths[idx].stem, from_numpy(np.load(self.paths[idx], allow_pickle=False))
