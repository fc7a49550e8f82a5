"""The traits of a phantom patient, and the pose of one film."""

from dataclasses import dataclass

import numpy as np

from pneumo_tf.data.datasets.phantom.canvas import Canvas

SIDES = (-1, 1)
"""Sign of x in the patient's right lung, on the viewer's left, and in the left lung."""


@dataclass(frozen=True)
class Physique:
    """Traits that are the same in all films of a patient.

    Args:
        stretch: Factor on the height of the trunk.
        wall: Thickness of the soft tissue outside the ribs, patient units.
        heart: Factor on the width of the heart.
        heart_tilt: Shift of the heart to the viewer's right per unit downwards.
        upper_mediastinum: Half of the width of the upper mediastinum, patient units.
        rib_drop: Height that a rib loses from spine to front, patient units.
        rib_gap: Distance of a rib from the next, patient units.
        rib_density: Factor on the attenuation of the ribs.
        scoliosis: Sideways bend of the spine, patient units.
        dome: Height y of the right dome of the diaphragm, patient units.
        dome_difference: Height of the right dome above the left one, patient units.
        hilar_gain: Factor on the density of the vessels at the hila.
        breast: Attenuation of breasts or skin folds, 0 for none.
        stomach_gas: Reduction of the attenuation by gas in the stomach, 0 for none.
    """

    stretch: float
    wall: float
    heart: float
    heart_tilt: float
    upper_mediastinum: float
    rib_drop: float
    rib_gap: float
    rib_density: float
    scoliosis: float
    dome: float
    dome_difference: float
    hilar_gain: float
    breast: float
    stomach_gas: float

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Physique":
        """Sample a patient; the range of each trait is the same with and without pneumonia."""
        return cls(
            stretch=rng.uniform(0.90, 1.10),
            wall=rng.uniform(0.05, 0.22),
            heart=float(np.clip(rng.normal(1.0, 0.09), 0.8, 1.25)),
            heart_tilt=rng.uniform(-0.05, 0.07),
            upper_mediastinum=rng.uniform(0.15, 0.27),
            rib_drop=rng.uniform(0.50, 0.80),
            rib_gap=rng.uniform(0.175, 0.205),
            rib_density=rng.uniform(0.7, 1.2),
            scoliosis=rng.normal(0.0, 0.03),
            dome=rng.uniform(0.55, 0.78),
            dome_difference=rng.uniform(-0.02, 0.12),
            hilar_gain=rng.uniform(0.6, 1.4),
            breast=rng.uniform(0.04, 0.12) * (rng.random() < 0.25),
            stomach_gas=rng.uniform(0.1, 0.4) * (rng.random() < 0.6),
        )


@dataclass(frozen=True)
class Pose:
    """Position, breath and collimation, which differ from film to film.

    Args:
        rotation: Rotation of the patient in the plane of the film, radians.
        zoom: Factor on the size of the patient on the film.
        shift: Shift to the viewer's right and downwards, shares of the film's width and height.
        turn: Shift of heart, vessels and airways to the viewer's right as the patient turns, patient units.
        expiration: Height of the diaphragm above its position in full inspiration, patient units.
        arms: Angles of the right and the left arm below the horizontal, radians.
    """

    rotation: float
    zoom: float
    shift: tuple[float, float]
    turn: float
    expiration: float
    arms: tuple[float, float]

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Pose":
        """Sample a pose."""
        raised = rng.random() < 0.5
        return cls(
            rotation=np.deg2rad(rng.normal(0.0, 2.2)),
            zoom=rng.uniform(0.90, 1.12),
            shift=(rng.normal(0.0, 0.025), rng.normal(0.0, 0.025)),
            turn=rng.normal(0.0, 0.05),
            expiration=min(0.22, rng.gamma(1.5, 0.06)),
            arms=tuple(np.deg2rad(rng.uniform(-60, -15) if raised else rng.uniform(60, 80)) for _ in SIDES),
        )

    def canvas(self, height: int, width: int, stretch: float) -> Canvas:
        """Return the film's canvas; a wide film shows a wide chest, because collimation follows the patient.

        Args:
            height: Height of the film in pixels.
            width: Width of the film in pixels.
            stretch: The patient's factor on the height of the trunk.
        """
        scale_x = 0.455 * height * (width / height / 1.25) ** 0.8 * self.zoom
        scale_y = 0.415 * height * self.zoom * stretch
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([scale_x, scale_y])
        centre = np.array([width * (0.5 + self.shift[0]), height * (0.53 + self.shift[1])])
        return Canvas(height, width, np.column_stack([linear, centre]))
