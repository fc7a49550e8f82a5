"""The chest of a phantom patient: air, soft tissue and bone, whose attenuation adds up along the ray.

Every layer is (height, width) float32. Attenuation is in units of the soft tissue of a normal trunk: the
air outside is 0, the mediastinum about 1, a lung about 0.4.
"""

from dataclasses import dataclass

import numpy as np

from pneumo_tf.data.datasets.phantom.canvas import Canvas, curve, gaussian, ribbon
from pneumo_tf.data.datasets.phantom.patient import SIDES, Physique, Pose

_WALL_Y = (-1.15, -1.0, -0.85, -0.6, -0.3, 0.1, 0.6, 2.0)
_WALL_X = (0.20, 0.42, 0.60, 0.77, 0.89, 0.97, 1.0, 0.99)
"""Half of the inner width of the rib cage at each height in `_WALL_Y`, patient units."""

_RIB_POINTS = 26
"""Points along the path of a rib."""

_HEXAGON = np.stack([np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3)], axis=1)

_SCAPULA = np.array([(0.0, -0.06), (-0.1, 0.2), (-0.08, 0.5), (-0.16, 0.78), (-0.27, 0.5), (-0.3, 0.05)])
"""Outline of the shoulder blade from the joint, with x outwards."""


@dataclass(frozen=True, eq=False)
class Chest:
    """The layers of a chest without disease.

    Args:
        tissue: Attenuation of the chest as if the lungs had no air.
        air: Reduction of the attenuation by the lungs' air.
        lungs: Coverage of the right and the left lung field outside heart and mediastinum, 0–1 each.
        bronchi: Coverage of the vessels and bronchi that branch from the hila, 0–1.
    """

    tissue: np.ndarray
    air: np.ndarray
    lungs: tuple[np.ndarray, np.ndarray]
    bronchi: np.ndarray


def wall_x(y: np.ndarray) -> np.ndarray:
    """Return half of the inner width of the rib cage at heights y, an array of any shape, patient units."""
    return np.interp(y, _WALL_Y, _WALL_X)


def draw_chest(canvas: Canvas, body: Physique, pose: Pose, rng: np.random.Generator) -> Chest:
    """Draw the chest of a patient.

    Args:
        canvas: The film's canvas.
        body: The patient.
        pose: Pose of the patient on the film.
        rng: The patient's random stream: outlines and vessels are the same in all films of the patient.
    """
    tissue = _trunk(canvas, body, pose)
    outlines = [_lung_outline(side, body, pose, rng) for side in SIDES]
    bronchi = _bronchi(canvas, body, pose, rng)
    centre = np.maximum(_heart(canvas, body, pose, rng), _mediastinum(canvas, body, pose))
    airways = _airways(canvas, pose)
    lungs = tuple(canvas.fill(outline, 0.008) * (1 - centre) for outline in outlines)
    either = np.maximum(*lungs)
    air = either * (0.30 + 0.28 * canvas.depth(either, 0.35))
    inside = np.maximum(canvas.paint(canvas.blank(), outlines[0]), canvas.paint(canvas.blank(), outlines[1]))
    _, y = canvas.grid
    abdomen = (1 - inside / np.float32(255)) * np.clip(y - 0.45, 0, 0.5) * (tissue > 0.5)
    tissue += 0.10 * centre + 0.3 * abdomen - 0.14 * airways + 0.17 * bronchi * either
    tissue += _spine(canvas, body, pose) + body.rib_density * _ribs(canvas, body) * np.minimum(tissue, 1)
    tissue += _clavicles(canvas, pose, rng) + _breasts(canvas, body, rng) - _stomach(canvas, body, pose)
    return Chest(tissue, air, lungs, bronchi)


def _trunk(canvas: Canvas, body: Physique, pose: Pose) -> np.ndarray:
    """Soft tissue of neck, trunk and arms; arms are raised or hang, and are often cut off by the film."""
    edge = 1.0 + body.wall
    half = np.array(
        [(0.34, -2.4), (0.33, -1.55), (0.55, -1.25), (0.95, -1.13), (1.14, -0.95), (edge, -0.55)]
        + [(edge, 0.1), (edge, 0.7), (edge + 0.02, 2.4)]
    )
    outline = np.concatenate([half, (half * (-1, 1))[::-1]])
    skin = canvas.paint(canvas.blank(), curve(outline))
    bones = canvas.blank()
    for side, angle in zip(SIDES, pose.arms, strict=True):
        shoulder = np.array([side * 0.96, -0.90])
        reach = shoulder + np.outer(
            (-0.09, -0.07, 0.0, 0.1, 0.25, 0.5, 0.9, 1.6), (side * np.cos(angle), np.sin(angle))
        )
        canvas.paint(skin, ribbon(reach, (0.42 + body.wall) * np.array((0.2, 0.3, 0.6, 0.85, 1, 1, 1, 1))))
        canvas.paint(bones, ribbon(reach, (0.05, 0.12, 0.19, 0.17, 0.13, 0.11, 0.105, 0.12)))
        canvas.paint(bones, curve(shoulder + _SCAPULA * (side, 1)), 70)
    tissue = 0.95 * canvas.depth(skin, 0.55) + 0.2 * canvas.soften(bones, 0.012)
    return gaussian(tissue, 0.008 * canvas.unit)


def _lung_outline(side: int, body: Physique, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """Outline of a lung, (n, 2): chest wall, diaphragm, mediastinum, apex."""
    dome = body.dome - pose.expiration + (body.dome_difference if side > 0 else 0.0)
    angle = dome + 0.26
    lateral = [(wall_x(y) - 0.03, y) for y in (-0.85, -0.6, -0.25, 0.15)] + [
        (0.96, angle - 0.25),
        (0.95, angle),
    ]
    base = [(0.86, dome + 0.12), (0.62, dome), (0.36, dome - 0.01), (0.16, dome + 0.08)]
    medial = [(0.06, 0.2), (0.06, -0.4), (0.11, -0.8), (0.22, -0.97), (0.36, -0.99)]
    points = np.array(lateral + base + medial)
    points += rng.normal(0, 0.012, points.shape)
    points[:, 0] = side * points[:, 0] + pose.turn * 0.3
    return curve(points)


def _heart(canvas: Canvas, body: Physique, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """Coverage of the heart and the diaphragm's shadow below it; its apex points to the viewer's right."""
    points = np.array(
        [(-0.13, -0.28), (-0.19, -0.1), (-0.27, 0.15), (-0.28, 0.38), (-0.24, 0.77), (0.1, 0.9), (0.44, 0.85)]
        + [(0.60, 0.67), (0.585, 0.51), (0.51, 0.26), (0.38, 0.02), (0.24, -0.16), (0.2, -0.33)]
    )
    points[:, 1] = (points[:, 1] + 0.28) * (body.dome - pose.expiration + 0.28) / 0.93 - 0.28
    points += rng.normal(0, 0.015, points.shape)
    points[:, 0] = points[:, 0] * body.heart + body.heart_tilt * (points[:, 1] + 0.3) + pose.turn
    return canvas.fill(curve(points), 0.014)


def _mediastinum(canvas: Canvas, body: Physique, pose: Pose) -> np.ndarray:
    """Coverage of great vessels and thymus; the aortic knob bulges to the viewer's right."""
    width = body.upper_mediastinum
    right = [(-0.15, -1.5), (-width * 0.85, -1.0), (-width, -0.6), (-width * 0.9, -0.2), (-0.15, 0.3)]
    left = [(0.15, 0.3), (width * 0.9, -0.1), (width * 0.85, -0.3), (width * 1.15, -0.5), (width * 0.8, -0.8)]
    points = np.array([*right, (-0.15, 1.3), (0.15, 1.3), *left, (0.15, -1.5)])
    points[:, 0] += pose.turn
    return canvas.fill(curve(points), 0.018)


def _airways(canvas: Canvas, pose: Pose) -> np.ndarray:
    """Air of the trachea and both main bronchi."""
    layer = canvas.blank()
    fork = (0.02 + pose.turn, -0.38)
    canvas.paint(layer, ribbon(np.array([(0.0, -2.0), (0.01, -1.2), fork]), 0.11))
    for side, drop in zip(SIDES, (0.24, 0.19), strict=True):
        canvas.paint(layer, ribbon(np.array([fork, (fork[0] + side * 0.2, fork[1] + drop)]), (0.08, 0.06)))
    return canvas.soften(layer, 0.02)


def _spine(canvas: Canvas, body: Physique, pose: Pose) -> np.ndarray:
    """Vertebral bodies, brighter at their end plates and pedicles, on a slightly curved axis."""
    x, y = canvas.grid
    offset = np.abs(x - body.scoliosis * np.sin(2.2 * y) + 0.3 * pose.turn)
    phase = np.cos(np.float32(2 * np.pi) * y / np.float32(body.rib_gap + 0.005))
    half_width = 0.115 + 0.012 * phase + 0.012 * y
    column = np.clip(0.5 - (offset - half_width) / 0.03, 0, 1)
    discs = np.clip(0.5 - 1.5 * phase, 0, 1)
    pedicles = np.exp(-(((offset - 0.08) / 0.022) ** 2)) * np.clip(phase, 0, 1) ** 4
    return column * (0.17 - 0.09 * discs) + 0.05 * pedicles


def _rib_paths(body: Physique) -> np.ndarray:
    """Return the paths of the ribs from the spine round the chest wall to their cartilage, (22, 26, 2).

    A rib is modelled as a ring that is tilted forward. So its posterior arm is flat, its anterior arm steep,
    and both meet at the lateral edge.
    """
    angle = np.linspace(0.03, 0.74, _RIB_POINTS) * np.pi
    index = np.arange(11)[:, None]
    start = -1.10 + index * body.rib_gap
    drop = body.rib_drop * np.minimum(1.0, 0.5 + 0.1 * index)
    y = start + drop * (1 - np.cos(angle)) / 2
    x = (0.985 * wall_x(start + 0.45 * drop) + 0.02) * np.sin(angle)
    return np.concatenate([np.stack([side * x, y], axis=-1) for side in SIDES])


def _ribs(canvas: Canvas, body: Physique) -> np.ndarray:
    """Attenuation of the ribs: dense posterior arms, fainter and broader anterior arms, bright cortex."""
    paths = _rib_paths(body)
    width = np.linspace(0.064, 0.085, _RIB_POINTS)
    ribs = np.float32(0)
    for arm, density, blur in ((slice(0, 18), 0.19, 0.005), (slice(17, None), 0.11, 0.012)):
        layer = canvas.paint(canvas.blank(), ribbon(paths[:, arm], width[arm]))
        canvas.paint(layer, ribbon(paths[:, arm], width[arm] - 0.036), 165)
        ribs = ribs + density * canvas.soften(layer, blur)
    return ribs


def _clavicles(canvas: Canvas, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """Attenuation of the collar bones, which rise with the arms; bright cortex."""
    layer = canvas.blank()
    rise = rng.uniform(-0.04, 0.10)
    for side in SIDES:
        tip = -0.92 - rise - (0.1 if pose.arms[0] < 0 else 0.0)
        points = np.array([(0.11, -0.74), (0.32, -0.80), (0.62, tip + 0.04), (0.93, tip)])
        path = curve(points * (side, 1) + (pose.turn * (1.2, 0)[side > 0], 0), closed=False)
        canvas.paint(layer, ribbon(path, np.linspace(0.095, 0.065, len(path))), 255)
        canvas.paint(layer, ribbon(path, np.linspace(0.055, 0.035, len(path))), 185)
    return 0.2 * canvas.soften(layer, 0.008)


def _bronchi(canvas: Canvas, body: Physique, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """Vessels and bronchial walls: trunks fan out from each hilum, fork twice and thin towards the wall."""
    layer = canvas.blank()
    side = np.repeat(SIDES, 9)
    hila = np.stack([side * 0.24 + pose.turn, np.where(side < 0, -0.06, -0.12)], axis=1)
    angle = np.deg2rad(np.tile(np.linspace(-75, 95, 9), 2) + rng.normal(0, 14, len(side)))
    start, length, width = hila, rng.uniform(0.4, 0.8, len(side)), 0.036 * body.hilar_gain**0.5
    for value in (200, 165, 130):
        headings = angle[:, None] + rng.normal(0, 0.6, len(side))[:, None] * np.linspace(0, 1, 7)
        steps = (
            np.stack([side[:, None] * np.cos(headings), np.sin(headings)], axis=-1)
            * length[:, None, None]
            / 7
        )
        paths = start[:, None] + np.cumsum(steps, axis=1)
        canvas.paint(layer, ribbon(paths, np.linspace(width, 0.3 * width, 7)), value)
        fork = rng.integers(1, 5, 2 * len(side))
        parent = np.repeat(np.arange(len(side)), 2)
        angle = headings[parent, fork] + np.tile((-1, 1), len(side)) * rng.uniform(0.3, 0.7, len(parent))
        start, side, length, width = paths[parent, fork], side[parent], 0.5 * length[parent], 0.6 * width
    for hilum in hila[[0, -1]]:
        blob = hilum + rng.normal(0, 0.02, (6, 2)) + 0.08 * _HEXAGON * (1, 1.6)
        canvas.paint(layer, curve(blob), round(110 * body.hilar_gain))
    return canvas.soften(layer, 0.008)


def _breasts(canvas: Canvas, body: Physique, rng: np.random.Generator) -> np.ndarray:
    """Shadows of breasts or skin folds over the lower zones, which are bright without disease."""
    if not body.breast:
        return np.float32(0)
    x, y = canvas.grid
    low, radius = rng.uniform(0.45, 0.75), rng.uniform(0.38, 0.5)
    distance = np.hypot((np.abs(x) - rng.uniform(0.5, 0.62)) / radius, (y - low + radius) / radius)
    return np.float32(body.breast) / (1 + np.exp(np.clip((distance - 1) / 0.05, -30, 30)))


def _stomach(canvas: Canvas, body: Physique, pose: Pose) -> np.ndarray:
    """Gas under the left dome of the diaphragm."""
    if not body.stomach_gas:
        return np.float32(0)
    x, y = canvas.grid
    top = body.dome + body.dome_difference - pose.expiration
    distance = np.hypot((x - 0.55) / 0.22, (y - top - 0.25) / 0.13)
    return np.float32(body.stomach_gas) / (1 + np.exp(np.clip((distance - 1) / 0.12, -30, 30)))
