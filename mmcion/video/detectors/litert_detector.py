"""EfficientDetLiteDetector: the default, small and fast on a CPU."""

from pathlib import Path

import cv2
import numpy as np

from mmcion.registry import DETECTORS
from mmcion.utils.checks import UserError, check_interval, optional_import
from mmcion.utils.downloads import fetch_file
from mmcion.utils.paths import utf8_path

from ..detections import Detections
from .base_detector import BaseDetector
from .tiling import cut_by_tile, suppress, tile_windows

_PERSON = 0  # first class of the model's own label map


@DETECTORS.register_module()
class EfficientDetLiteDetector(BaseDetector):
    """EfficientDet-Lite as a TFLite file with post-processing inside.

    The model itself suppresses overlapping boxes and returns at most 25
    objects per image, so tiles help in crowds as well as for small people.

    Args:
        model: Name of a known file, or path of a file of the same kind.
        score_thr: Least confidence of a person.
        tiles: Columns and rows that a frame is cut into. The whole frame is
            used too, for people that fit into no tile.
        overlap: Fraction of a tile that the next one covers too; a person
            should fit into it.
        nms_iou: IoU above which only the better of two boxes is kept.
    """

    thread_safe = True

    def __init__(
        self,
        model: str = 'efficientdet_lite2.tflite',
        *,
        score_thr: float = 0.3,
        tiles: tuple[int, int] = (1, 1),
        overlap: float = 0.35,
        nms_iou: float = 0.5,
    ) -> None:
        if len(tiles) != 2 or min(tiles) < 1:
            raise UserError(f'tiles must be two numbers from 1; got {tiles}.')
        check_interval('[0, 1)', overlap=overlap)
        check_interval('[0, 1]', score_thr=score_thr)
        self.model = model
        self.score_thr = score_thr
        self.tiles = (tiles[0], tiles[1])
        self.overlap = overlap
        self.nms_iou = nms_iou
        self._own_files = [Path(model)] if Path(model).is_file() else []

    def load(self) -> None:
        """Load the model, which may be downloaded."""
        install = "pip install 'mmcion[video]'"
        with optional_import('EfficientDetLiteDetector', install):
            from ai_edge_litert.interpreter import Interpreter
        file, *_ = self._own_files or [fetch_file(self.model)]

        def make_net() -> Interpreter:
            # threads of its own would gain less than further interpreters do
            net = Interpreter(utf8_path(file), num_threads=1)
            net.allocate_tensors()
            return net

        net = make_net()
        self._make_net, self._idle_nets = make_net, [net]
        self._input = net.get_input_details()[0]
        # boxes, classes, scores, count: the order of the operator
        # TFLite_Detection_PostProcess, which ends the model
        self._outputs = [o['index'] for o in net.get_output_details()]
        if (count := len(self._outputs)) != 4:
            raise UserError(f'{file} has {count} outputs, a detector has 4.')

    def input_files(self, video: Path) -> list[Path]:
        """Return the model, unless it is a known one, whose hash is fixed."""
        return self._own_files

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Return the boxes of people in one frame."""
        whole = self._detect(image)
        if self.tiles == (1, 1):
            return whole
        height, width = image.shape[:2]
        boxes, scores = [whole.boxes], [whole.scores]
        for window in tile_windows(width, height, self.tiles, self.overlap):
            x1, y1, x2, y2 = window
            found = self._detect(image[y1:y2, x1:x2])
            moved = found.boxes + np.array((x1, y1, x1, y1), np.float32)
            uncut = ~cut_by_tile(moved, window, width, height)
            boxes.append(moved[uncut])
            scores.append(found.scores[uncut])
        every = Detections(np.concatenate(boxes), np.concatenate(scores))
        return suppress(every, self.nms_iou)

    def _detect(self, image: np.ndarray) -> Detections:
        _, rows, columns, _ = self._input['shape']
        small = cv2.resize(
            image, (int(columns), int(rows)), interpolation=cv2.INTER_LINEAR
        )
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        try:
            net = self._idle_nets.pop()
        except IndexError:  # other threads use them all
            net = self._make_net()
        net.set_tensor(self._input['index'], rgb[None])
        net.invoke()
        # (1, 25, 4), (1, 25), (1, 25) -> without the batch axis
        boxes, classes, scores = (
            net.get_tensor(index)[0] for index in self._outputs[:3]
        )
        self._idle_nets.append(net)
        keep = (classes == _PERSON) & (scores >= self.score_thr)
        height, width = image.shape[:2]
        y1, x1, y2, x2 = np.clip(boxes[keep], 0, 1).T  # fractions
        pixels = (x1 * width, y1 * height, x2 * width, y2 * height)
        return Detections(np.stack(pixels, axis=1), scores[keep])
