"""Drawing on a film in the patient's coordinates; only this module converts them to pixels.

Patient coordinates have their origin between the lungs, x to the viewer's right, y down. The chest wall lies
near x = -1 and 1, the lung apex near y = -1. A layer is an array of the film's shape, (height, width).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

FIELD_REACH = 2.5
"""Distance from the origin up to which noise is drawn, patient units."""

_SUBPIXEL_BITS = 4
"""Fractional bits of the coordinates that OpenCV draws with."""


@dataclass(frozen=True, eq=False)
class Canvas:
    """A film's pixel grid, and the position of the patient in it.

    Args:
        height: Height of the film in pixels.
        width: Width of the film in pixels.
        affine: float64 of shape (2, 3), maps patient coordinates (x, y, 1) to pixels (column, row).
    """

    height: int
    width: int
    affine: np.ndarray

    @property
    def unit(self) -> float:
        """Pixels per patient unit, mean of both axes."""
        return float(np.sqrt(abs(np.linalg.det(self.affine[:, :2]))))

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Patient x and y of every pixel, two float32 arrays of shape (height, width)."""
        inverse = np.linalg.inv(self.affine[:, :2])
        columns = np.arange(self.width, dtype=np.float32)[None, :] - np.float32(self.affine[0, 2])
        rows = np.arange(self.height, dtype=np.float32)[:, None] - np.float32(self.affine[1, 2])
        (a, b), (c, d) = inverse.astype(np.float32)
        return a * columns + b * rows, c * columns + d * rows

    def blank(self) -> np.ndarray:
        """Return an empty layer, uint8 of shape (height, width)."""
        return np.zeros((self.height, self.width), np.uint8)

    def paint(self, layer: np.ndarray, outlines: np.ndarray, value: int = 255) -> np.ndarray:
        """Fill closed outlines into a layer, in place.

        Args:
            layer: (height, width) uint8.
            outlines: (n, 2) or (k, n, 2), patient x and y of the corners of one or k outlines.
            value: 0–255, written to pixels inside an outline.

        Returns:
            The layer.
        """
        import cv2

        pixels = outlines.reshape(-1, *outlines.shape[-2:]) @ self.affine[:, :2].T + self.affine[:, 2]
        for points in np.round(pixels * 2**_SUBPIXEL_BITS).astype(np.int32):
            cv2.fillPoly(layer, [points], value, cv2.LINE_AA, _SUBPIXEL_BITS)
        return layer

    def fill(self, outline: np.ndarray, blur: float = 0.0) -> np.ndarray:
        """Draw one outline as a layer.

        Args:
            outline: (n, 2), patient x and y of its corners.
            blur: Sigma of its edge, patient units.

        Returns:
            (height, width) float32 in 0–1, the share of each pixel that is covered.
        """
        return self.soften(self.paint(self.blank(), outline), blur)

    def soften(self, layer: np.ndarray, sigma: float) -> np.ndarray:
        """Scale a layer to 0–1 and blur it.

        Args:
            layer: (height, width) uint8.
            sigma: Sigma of the blur, patient units.

        Returns:
            (height, width) float32 in 0–1.
        """
        return gaussian(layer.astype(np.float32) / 255.0, sigma * self.unit)

    def depth(self, coverage: np.ndarray, reach: float) -> np.ndarray:
        """Measure the thickness of a body with a rounded edge.

        Args:
            coverage: (height, width) in 0–1; the body is where it is above 0.5.
            reach: Distance from the edge at which the body has its full thickness, patient units.

        Returns:
            (height, width) float32: 0 outside and at the edge, 1 from `reach` inwards.
        """
        import cv2

        inside = cv2.distanceTransform((coverage > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        rest = np.clip(1.0 - inside / (reach * self.unit), 0.0, 1.0)
        return np.sqrt(1.0 - rest * rest)

    def field(self, rng: np.random.Generator, scale: float) -> np.ndarray:
        """Draw smooth noise that is fixed to the patient.

        Args:
            rng: Random generator; the same state draws the same pattern in the patient, in any pose and film.
            scale: Size of the grain, patient units.

        Returns:
            (height, width) float32, mean 0, variance about 1.
        """
        import cv2

        cells = int(np.ceil(2 * FIELD_REACH / scale))
        noise = rng.standard_normal((cells, cells), dtype=np.float32)
        cell = 2 * FIELD_REACH / cells
        cell_to_patient = np.array([[cell, 0, cell / 2 - FIELD_REACH], [0, cell, cell / 2 - FIELD_REACH]])
        linear, offset = self.affine[:, :2], self.affine[:, 2:]
        matrix = np.hstack([linear @ cell_to_patient[:, :2], linear @ cell_to_patient[:, 2:] + offset])
        size = (self.width, self.height)
        return 1.3 * cv2.warpAffine(noise, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)

    def letter(self, text: str, x: float, y: float, height: float) -> np.ndarray:
        """Draw a letter.

        Args:
            text: The letter.
            x: Lower left corner, share of the film's width.
            y: Lower left corner, share of the film's height.
            height: Height of the letter, share of the film's height.

        Returns:
            (height, width) float32 in 0–1, the share of each pixel that is covered.
        """
        import cv2

        corner = (round(x * self.width), round(y * self.height))
        scale = height * self.height / 22.0
        layer = self.blank()
        cv2.putText(
            layer, text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, max(1, round(2 * scale)), cv2.LINE_AA
        )
        return layer.astype(np.float32) / 255.0


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur an image.

    Args:
        image: (height, width) float32.
        sigma: Sigma in pixels; below 0.2 the image is returned unchanged.

    Returns:
        (height, width) float32.
    """
    import cv2

    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.2 else image


def curve(points: np.ndarray, closed: bool = True, steps: int = 8) -> np.ndarray:
    """Draw a Catmull–Rom spline through points.

    Args:
        points: (n, 2).
        closed: Whether it returns to the first point.
        steps: Samples of each segment.

    Returns:
        (n × steps, 2) of a closed spline; ((n − 1) × steps + 1, 2) of an open one.
    """
    ends = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    knots = np.concatenate([ends[0], points, ends[1]])
    before, start, stop, after = knots[:-3, None], knots[1:-2, None], knots[2:-1, None], knots[3:, None]
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    linear, square = stop - before, 2 * before - 5 * start + 4 * stop - after
    cubic = 3 * (start - stop) + after - before
    path = (start + 0.5 * (t * linear + t * t * square + t**3 * cubic)).reshape(-1, 2)
    return path if closed else np.concatenate([path, points[-1:]])


def ribbon(paths: np.ndarray, widths: np.ndarray | float) -> np.ndarray:
    """Draw the outlines of bands along open paths.

    Args:
        paths: (..., n, 2).
        widths: Full widths at each point, of a shape that broadcasts to (..., n), in the unit of the paths.

    Returns:
        (..., 2n, 2), closed outlines.
    """
    along = np.empty_like(paths)
    along[..., 1:-1, :] = paths[..., 2:, :] - paths[..., :-2, :]
    along[..., 0, :] = paths[..., 1, :] - paths[..., 0, :]
    along[..., -1, :] = paths[..., -1, :] - paths[..., -2, :]
    normal = along[..., ::-1] * (-1, 1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    half = normal * (np.broadcast_to(widths, paths.shape[:-1])[..., None] / 2)
    return np.concatenate([paths + half, (paths - half)[..., ::-1, :]], axis=-2)
