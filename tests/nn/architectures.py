"""Networks as others write them, in their manner: none of them knows of optics."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

__all__ = ["EDSR", "ResNet", "UNet"]


class Bottleneck(nn.Module):
    """1×1, 3×3 (strided), 1×1, in the manner of timm: a shortcut that may be None."""

    expansion = 4

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        outputs = planes * self.expansion
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.act1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            planes, planes, 3, stride=stride, padding=1, groups=planes // 4, bias=False
        )
        self.bn2 = nn.BatchNorm2d(planes)
        self.act2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = (
            None
            if stride == 1 and inputs == outputs
            else nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act1(self.bn1(self.conv1(x)))
        y = self.act2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return functional.relu(y)


class ResNet(nn.Module):
    """A deep stem, two stages of bottlenecks, and code that reads its convolutions' attributes."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 16, 3, padding=1, bias=False),
        )
        self.num_features = self.conv1[-1].out_channels
        self.bn1 = nn.BatchNorm2d(self.num_features)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._stage(8, 2, 1)
        self.layer2 = self._stage(16, 1, 2)
        self.fc = nn.Linear(self.num_features, classes)
        self.init_weights()

    def _stage(self, planes: int, depth: int, stride: int) -> nn.Sequential:
        blocks = []
        for index in range(depth):
            blocks.append(Bottleneck(self.num_features, planes, stride if index == 0 else 1))
            self.num_features = planes * Bottleneck.expansion
        return nn.Sequential(*blocks)

    def init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                nn.init.normal_(module.weight, 0, (2 * module.groups / fan_out) ** 0.5)

    @property
    def stride(self) -> int:
        """How much smaller the features are, read off the layers as feature extractors do."""
        return self.conv1[0].stride[0] * 2 * self.get_submodule("layer2.0.conv2").stride[0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.maxpool(functional.relu(self.bn1(self.conv1(x))))
        x = self.layer2(self.layer1(x))
        scores: torch.Tensor = self.fc(x.mean((2, 3)))
        return scores


class UNet(nn.Module):
    """Two scales, skip connections, transposed convolutions, reflected borders."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = self._pair(1, 8), self._pair(8, 16)
        self.bottom = nn.Sequential(
            nn.Conv2d(16, 16, 3, padding=2, dilation=2), nn.LeakyReLU(0.1), nn.Dropout2d(0.2)
        )
        self.up2 = nn.ConvTranspose2d(16, 16, 2, stride=2)
        self.right2 = self._pair(32, 8)
        self.up1 = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.right1 = self._pair(16, 8)
        self.out = nn.Conv2d(8, 2, 1)

    @staticmethod
    def _pair(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding="same", padding_mode="reflect"),
            nn.GroupNorm(2, outputs),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, (3, 1), padding=(1, 0)),
            nn.SiLU(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        left1 = self.down1(x)
        left2 = self.down2(functional.max_pool2d(left1, 2))
        bottom = self.bottom(functional.max_pool2d(left2, 2))
        right2 = self.right2(torch.cat([left2, self.up2(bottom)], 1))
        right1 = self.right1(torch.cat([left1, self.up1(right2)], 1))
        found: torch.Tensor = self.out(right1)
        return found


class ResidualBlock(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(features, features, 3, padding=1),
            nn.ReLU(True),
            nn.Conv2d(features, features, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = x + 0.1 * self.body(x)
        return found


class EDSR(nn.Module):
    """Fixed 1×1 colour shifts, residual body, pixel shuffle; one block used twice."""

    def __init__(self, features: int = 8) -> None:
        super().__init__()
        self.sub_mean, self.add_mean = self._shift(-1.0), self._shift(1.0)
        self.head = nn.Conv2d(3, features, 3, padding=1)
        block = ResidualBlock(features)
        self.body = nn.Sequential(block, ResidualBlock(features), block)
        self.tail = nn.Sequential(
            nn.Conv2d(features, 4 * features, 3, padding=1),
            nn.PixelShuffle(2),
            nn.Conv2d(features, 3, 3, padding=1),
        )

    @staticmethod
    def _shift(sign: float) -> nn.Conv2d:
        shift = nn.Conv2d(3, 3, 1)
        assert shift.bias is not None
        shift.weight.data = torch.eye(3).view(3, 3, 1, 1)
        shift.bias.data = sign * torch.tensor([0.45, 0.44, 0.40])
        for parameter in shift.parameters():
            parameter.requires_grad = False
        return shift

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.head(self.sub_mean(x))
        found: torch.Tensor = self.add_mean(self.tail(x + self.body(x)))
        return found
