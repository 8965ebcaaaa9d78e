"""MMGL on drawn visible and infrared images, evaluated on other people."""

from tests.tool_utils import ROOT

CONFIG = ROOT / 'configs/mmgl/mmgl_resnet50_1xb64-100e_sysumm01.py'
