"""The last map of features over the image, of any network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmcion.models.backbones import VOLO, VisionTransformerICS

_SKEW = 1.5  # how much a place may be stretched, height against width


class SpatialFeatures:
    """What a forward pass leaves of its last map over the image.

    Attributes:
        tensor: as it was computed, to take gradients of; None before the
            pass, or where the network has no map.
        name: of the module that made it.
    """

    def __init__(self) -> None:
        self.tensor: Tensor | None = None
        self.name = ''
        self._to_map: Callable[[Tensor], Tensor] = _channels_first

    def keep(
        self, name: str, tensor: Tensor, to_map: Callable[[Tensor], Tensor]
    ) -> None:
        """Take note of a later map."""
        self.name, self.tensor, self._to_map = name, tensor, to_map

    def as_map(self, values: Tensor) -> Tensor:
        """Return values shaped as ``tensor`` as ``(N, C, h, w)``."""
        return self._to_map(values)


@contextmanager
def watch_spatial_features(
    network: nn.Module, image_size: tuple[int, int]
) -> Iterator[SpatialFeatures]:
    """Watch a network's next forward pass for its last map over the image.

    - Vision transformers of the zoo: the tokens of patches that go into the
      last attention, because the class token reads nothing later.
    - VOLO: the tokens before the class attention.
    - All others: the last output ``(N, C, h, w)`` of a module that has several
      places, about as high and wide for their image as each other.

    Args:
        network: whose hooks are added here, and removed at the end.
        image_size: height and width of the images, in pixels.

    Yields:
        Filled by the pass.
    """
    found = SpatialFeatures()
    modules = dict(network.named_modules())
    handles: list[RemovableHandle] = []
    for name, module in modules.items():
        if isinstance(module, VisionTransformerICS):
            handles = _watch_patch_tokens(found, name, module.model)
            break
        if isinstance(module, VOLO):
            hook = _keep_output(found, name, _channels_last)
            handles = [module.model.network[-1].register_forward_hook(hook)]
            break
    else:
        for name, module in modules.items():
            hook = _keep_maps(found, name, image_size)
            handles.append(module.register_forward_hook(hook))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _channels_first(values: Tensor) -> Tensor:
    return values


def _channels_last(values: Tensor) -> Tensor:
    return values.permute(0, 3, 1, 2)


def _keep_output(
    found: SpatialFeatures, name: str, to_map: Callable[[Tensor], Tensor]
) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
        found.keep(name, output, to_map)

    return hook


def _watch_patch_tokens(
    found: SpatialFeatures, name: str, model: Any
) -> list[RemovableHandle]:
    """Keep tokens ``(N, 1 + h w, C)``, of which the first has no place."""
    grid: list[int] = []

    def note_grid(module: nn.Module, inputs: Any, output: Tensor) -> None:
        grid[:] = output.shape[2:]

    def to_map(tokens: Tensor) -> Tensor:
        return _channels_last(tokens[:, 1:].unflatten(1, grid))

    return [
        model.patch_embed.register_forward_hook(note_grid),
        model.blocks[-1].norm1.register_forward_hook(
            _keep_output(found, name, to_map)
        ),
    ]


def _keep_maps(
    found: SpatialFeatures, name: str, image_size: tuple[int, int]
) -> Callable[..., None]:
    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, tuple | list) and output:
            output = output[-1]
        if isinstance(output, Tensor) and _is_map(output, image_size):
            found.keep(name, output, _channels_first)

    return hook


def _is_map(tensor: Tensor, image_size: tuple[int, int]) -> bool:
    """Tell a map from tokens by heads, channels last and the like."""
    if tensor.dim() != 4 or not tensor.is_floating_point():
        return False
    rows, columns = tensor.shape[2:]
    height, width = image_size
    if rows * columns < 2 or rows > height or columns > width:
        return False
    skew = (height / rows) / (width / columns)
    return 1 / _SKEW <= skew <= _SKEW
