from .color_stripe_descriptor import ColorStripeDescriptor
from .resnet_ibn import ResNetIBN

__all__ = ['ColorStripeDescriptor', 'ResNetIBN']
