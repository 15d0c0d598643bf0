"""Super-resolution networks: what each is made of, and how one is built from its configuration.

=================  =========================================================================
form               network
=================  =========================================================================
"original"         `nn.SuperResolutionModel`, 11,183 parameters
"stacked"          the same with upsample blocks of any depth, length and number
"zero_insertion"   the same, enlarging by zeros between pixels ("dilation") before convolving
"single"           all convolutions on the small picture, one sub-pixel enlargement at the end
"unet"             convolution and pooling on the way down, upsample blocks on the way up
"residual"         a linear filter and residual blocks beside it, one enlargement at the end
=================  =========================================================================
"""

from nn.networks.build import build_network
from nn.networks.config import NetworkConfig, parse_network_config

__all__ = ["NetworkConfig", "build_network", "parse_network_config"]
