"""EfficientDetLiteDetector: the default, small and quick on a CPU."""

from pathlib import Path

import cv2
import numpy as np

from mmcion.registry import DETECTORS
from mmcion.utils.downloads import fetch_file

from ..detections import Detections
from .base_detector import BaseDetector, check_score_threshold
from .tiling import cut_by_tile, suppress, tile_windows

_PERSON = 0  # first class of the model's own label map


@DETECTORS.register_module()
class EfficientDetLiteDetector(BaseDetector):
    """EfficientDet-Lite as a TFLite file with post-processing inside.

    The model removes overlapping boxes itself and returns at most 25 objects
    per look, so tiles serve crowds as well as small people.

    Args:
        model: a known file, or the path of a file of the same kind.
        score_thr: least confidence of a person.
        tiles: columns and rows that a frame is cut into; the whole frame is
            looked at too, for those who fit into no tile.
        overlap: share of a tile that it has in common with the next one; a
            person should fit into it.
        nms_iou: of two boxes from different tiles that overlap more than
            this, the better one stays.
        num_threads: threads of the interpreter.
    """

    def __init__(
        self,
        model: str = 'efficientdet_lite2.tflite',
        *,
        score_thr: float = 0.3,
        tiles: tuple[int, int] = (1, 1),
        overlap: float = 0.35,
        nms_iou: float = 0.5,
        num_threads: int = 1,
    ) -> None:
        if len(tiles) != 2 or min(tiles) < 1:
            raise ValueError(
                f'tiles ({tiles}) must be two counts >= 1: columns and rows.'
            )
        if not 0 <= overlap < 1:
            raise ValueError(f'overlap ({overlap}) must lie in [0, 1).')
        self.score_thr = check_score_threshold(score_thr)
        self.tiles = (int(tiles[0]), int(tiles[1]))
        self.overlap = overlap
        self.nms_iou = nms_iou
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ImportError(
                'EfficientDetLiteDetector needs ai-edge-litert; run: '
                'pip install -r requirements/video.txt'
            ) from error
        own = Path(model)
        self._own_files = [own] if own.is_file() else []
        file = own if own.is_file() else fetch_file(model)
        self._net = Interpreter(str(file), num_threads=num_threads)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]
        # boxes, classes, scores, count: the order of the operator
        # TFLite_Detection_PostProcess, which ends the model
        self._outputs = [o['index'] for o in self._net.get_output_details()]
        if len(self._outputs) != 4:
            raise ValueError(
                f'{file} has {len(self._outputs)} outputs; a detector with '
                f'post-processing inside has 4.'
            )

    def input_files(self, video: Path) -> list[Path]:
        """Return the model, unless it is a known one, which is pinned."""
        return self._own_files

    def detect(self, image: np.ndarray, frame: int) -> Detections:
        """Find the people of one frame."""
        if self.tiles == (1, 1):
            return self._look(image)
        height, width = image.shape[:2]
        whole = self._look(image)
        boxes, scores = [whole.boxes], [whole.scores]
        for window in tile_windows(width, height, self.tiles, self.overlap):
            x1, y1, x2, y2 = window
            found = self._look(image[y1:y2, x1:x2])
            moved = found.boxes + np.array((x1, y1, x1, y1), np.float32)
            uncut = ~cut_by_tile(moved, window, width, height)
            boxes.append(moved[uncut])
            scores.append(found.scores[uncut])
        every = Detections(np.concatenate(boxes), np.concatenate(scores))
        return suppress(every, self.nms_iou)

    def _look(self, image: np.ndarray) -> Detections:
        _, rows, columns, _ = self._input['shape']
        small = cv2.resize(
            image, (int(columns), int(rows)), interpolation=cv2.INTER_LINEAR
        )
        rgb = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
        self._net.set_tensor(self._input['index'], rgb[None])
        self._net.invoke()
        boxes, classes, scores = (
            self._net.get_tensor(index)[0] for index in self._outputs[:3]
        )
        keep = (classes == _PERSON) & (scores >= self.score_thr)
        height, width = image.shape[:2]
        y1, x1, y2, x2 = np.clip(boxes[keep], 0, 1).T
        pixels = (x1 * width, y1 * height, x2 * width, y2 * height)
        return Detections(np.stack(pixels, axis=1), scores[keep])
