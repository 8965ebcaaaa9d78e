"""Backbones, among them the ten families of ReIDZoo."""

from .color_stripe_descriptor import ColorStripeDescriptor
from .convnext import ConvNeXt
from .edgenext import EdgeNeXt
from .fastvit import FastViT
from .ghostnet import GhostNet
from .non_local import NonLocalBlock
from .non_local_resnet import NonLocalResNet
from .padded_swin import PaddedSwinTransformer
from .plain_swin import PlainSwinTransformer
from .plain_vit import PlainVisionTransformer
from .repvit import RepViT
from .resnet import ResNet
from .resnet_ibn import ResNetIBN
from .semantic_swin import SemanticSwinTransformer
from .swin_transformer import SwinTransformer
from .timm_backbone import TimmBackbone
from .two_stream_resnet import TwoStreamResNet
from .vit_ics import VisionTransformerICS
from .volo import VOLO

__all__ = [
    'VOLO',
    'ColorStripeDescriptor',
    'ConvNeXt',
    'EdgeNeXt',
    'FastViT',
    'GhostNet',
    'NonLocalBlock',
    'NonLocalResNet',
    'PaddedSwinTransformer',
    'PlainSwinTransformer',
    'PlainVisionTransformer',
    'RepViT',
    'ResNet',
    'ResNetIBN',
    'SemanticSwinTransformer',
    'SwinTransformer',
    'TimmBackbone',
    'TwoStreamResNet',
    'VisionTransformerICS',
]
