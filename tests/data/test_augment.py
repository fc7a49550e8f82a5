import cv2
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.recipes import RECIPES
from pneumo_tf.data.augment import random_transforms, source_side
from pneumo_tf.data.batches import training_batches, training_order, transform_films
from pneumo_tf.errors import UserError
from pneumo_tf.recipe import Augment, Head, Recipe

SIDE = 64


@pytest.fixture(scope="module")
def films():
    noise = np.random.default_rng(0).integers(0, 255, (8, SIDE, SIDE), np.uint8)
    return np.stack([cv2.GaussianBlur(film, (15, 15), 4) for film in noise])


def augmented(films, augment, *key):
    side = round(SIDE * np.sqrt(min(1.0, augment.crop_area[0])))
    assert source_side(augment, side) == SIDE
    transforms = random_transforms(augment, len(films), side, *key)
    tensor = transform_films(films[..., None], transforms.warp, transforms.tone, side=side, fill=augment.fill)
    return tensor.numpy()[..., 0], transforms


def test_no_augmentation_changes_nothing(films):
    np.testing.assert_array_equal(augmented(films, Augment(), 0)[0], films)


def test_a_certain_flip_mirrors(films):
    np.testing.assert_array_equal(augmented(films, Augment(flip=1.0), 0)[0], films[:, :, ::-1])


@pytest.mark.parametrize(
    "augment",
    [
        Augment(rotation=20, shift=0.2, flip=0.5),
        Augment(zoom=(0.8, 1.2), fill="black"),
        Augment(crop_area=(0.25, 1.1), crop_aspect=(0.6, 1.67), rotation=15, flip=0.5),
    ],
)
def test_the_warp_equals_tensorflow(films, augment):
    ours, transforms = augmented(films, augment, 3)
    theirs = tf.raw_ops.ImageProjectiveTransformV3(
        images=films[..., None].astype(np.float32),
        transforms=np.pad(transforms.warp, [(0, 0), (0, 2)]),
        output_shape=ours.shape[1:],
        interpolation="BILINEAR",
        fill_mode="NEAREST" if augment.fill == "nearest" else "CONSTANT",
        fill_value=0.0,
    )
    difference = np.abs(theirs.numpy()[..., 0] - ours)
    assert difference.max() < 0.6
    assert (difference > 0.501).mean() < 1e-3


def test_ranges_are_kept_and_filled():
    augment = Augment(rotation=20, zoom=(0.8, 1.2))
    warp = random_transforms(augment, 4000, SIDE, 0).warp
    angle = np.degrees(np.arctan2(warp[:, 3], warp[:, 0]))
    zoom = 1 / np.hypot(warp[:, 0], warp[:, 3])
    assert np.abs(angle).max() == pytest.approx(20, abs=0.1)
    assert angle.mean() == pytest.approx(0, abs=0.6)
    assert (zoom.min(), zoom.max()) == pytest.approx((0.8, 1.2), abs=0.01)


def test_crops_have_the_requested_area_and_aspect_and_stay_inside():
    augment = Augment(crop_area=(0.85, 1.0), crop_aspect=(3 / 4, 4 / 3))
    source = source_side(augment, SIDE)
    assert source == 70
    warp = random_transforms(augment, 4000, SIDE, 0).warp.astype(float)
    width, height = warp[:, 0] * SIDE / source, warp[:, 4] * SIDE / source
    assert (width * height).min() >= 0.85 - 1e-6
    assert max(width.max(), height.max()) <= 1 + 1e-6
    # The outer edges of the first and the last pixel, in pixels of the source.
    left, right = warp[:, 2] - warp[:, 0] / 2, warp[:, 0] * (SIDE - 0.5) + warp[:, 2]
    assert left.min() >= -0.5 - 1e-3
    assert right.max() <= source - 0.5 + 1e-3


def test_tone_keeps_the_mean_grey_level(films):
    # Bilinear interpolation that truncates would lose half a grey level.
    ours, _ = augmented(films, Augment(rotation=3), 1)
    assert ours[:, 8:-8, 8:-8].mean() == pytest.approx(films[:, 8:-8, 8:-8].mean(), abs=0.1)


def test_a_film_without_a_tone_is_one_whose_tone_changes_nothing(films):
    transforms = random_transforms(Augment(rotation=20, shift=0.2, flip=0.5), len(films), SIDE, 2)
    assert transforms.tone is None
    same = np.tile(np.float32([1, 1, 1, 0]), (len(films), 1))
    with_tone = (
        transform_films(films[..., None], transforms.warp, same, side=SIDE, fill="nearest")
        .numpy()
        .astype(int)
    )
    without = transform_films(films[..., None], transforms.warp, None, side=SIDE, fill="nearest").numpy()
    assert np.abs(with_tone - without).max() <= 1
    assert (with_tone != without).mean() < 1e-4


@pytest.mark.parametrize(
    ("augment", "toned"),
    [
        (Augment(rotation=20, zoom=(0.8, 1.2), crop_area=(0.5, 1.0), flip=0.5), False),
        (Augment(brightness=20), True),
        (Augment(gain=0.1), True),
        (Augment(contrast=0.1), True),
        (Augment(gamma=0.1), True),
    ],
)
def test_batches_of_a_recipe_have_its_tone(films, augment, toned):
    recipe = Recipe("x", "conv3", size=round(SIDE * np.sqrt(augment.crop_area[0])), batch=8, augment=augment)
    transforms = random_transforms(augment, 8, recipe.size, 0, 0, 0)
    [(ours, _)] = training_batches(recipe, films, np.arange(8), np.zeros(8, int), 0, 0, 0)
    both = transform_films(
        films[..., None], transforms.warp, transforms.tone, side=recipe.size, fill="nearest"
    ).numpy()
    assert np.abs(ours.numpy().astype(int) - both).max() <= 1
    plain = transform_films(films[..., None], transforms.warp, None, side=recipe.size, fill="nearest").numpy()
    assert (np.abs(plain.astype(int) - both).max() > 1) == toned == augment.changes_tone


def test_gamma_contrast_and_brightness_by_hand(films):
    ours, transforms = augmented(films, Augment(gain=0.2, contrast=0.3, brightness=20, gamma=0.3), 5)
    gain, contrast, gamma, added = (transforms.tone[:, i, None, None].astype(float) for i in range(4))
    mean = films.mean((1, 2), keepdims=True)
    by_hand = 255 * np.clip(((mean + (films - mean) * contrast) * gain + added) / 255, 0, 1) ** gamma
    assert np.abs(ours - by_hand).max() <= 0.51


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.augment.active])
def test_draws_depend_on_the_key_alone(name):
    augment = RECIPES[name].augment
    first, again, other = (random_transforms(augment, 5, SIDE, 0, 1, epoch) for epoch in (2, 2, 3))
    np.testing.assert_array_equal(first.warp, again.warp)
    np.testing.assert_array_equal(first.tone, again.tone)
    assert not (np.array_equal(first.warp, other.warp) and np.array_equal(first.tone, other.tone))


def test_a_batch_is_a_pure_function_of_seed_phase_epoch_and_film(films):
    labels = np.arange(8) % 2
    recipe = Recipe("x", "conv3", size=SIDE, batch=3, augment=Augment(rotation=10, gamma=0.2))

    def epoch(order):
        batches = training_batches(recipe, films, order, labels, 0, 0, 1)
        images = tf.concat([images for images, _ in batches], 0).numpy()
        return images[np.argsort(order)]

    forward = np.arange(8)
    np.testing.assert_array_equal(epoch(forward), epoch(forward[::-1].copy()))


def test_shuffling_takes_every_film_once_and_balanced_sampling_as_many_of_each_class():
    films, labels = np.arange(100, 200), np.array([0] * 20 + [1] * 80)
    shuffled = training_order(Recipe("x", "conv3"), films, labels, 0, 0, 0)
    assert sorted(shuffled) == list(films)
    assert not np.array_equal(shuffled, training_order(Recipe("x", "conv3"), films, labels, 0, 0, 1))
    balanced = training_order(Recipe("x", "conv3", sampling="balanced"), films, labels, 0, 0, 0)
    assert len(balanced) == 100
    assert np.bincount(labels[balanced - 100]).tolist() == [50, 50]


@pytest.mark.parametrize(("classes", "name"), [(2, "pneumonia"), (3, "virus")])
def test_balanced_sampling_of_a_class_without_a_film_is_refused(classes, name):
    recipe = Recipe("x", "conv3", sampling="balanced", head=Head(classes=classes))
    with pytest.raises(UserError, match=f"no training film is of class {name}"):
        training_order(recipe, np.arange(12), np.arange(12) % (classes - 1), 0, 0, 0)


def test_small_crops_are_as_sharp_as_the_film():
    # A checkerboard keeps its contrast when the crop comes from a film large enough, not from a shrunk one.
    augment = Augment(crop_area=(0.25, 0.25))
    source = source_side(augment, SIDE)
    board = np.kron(np.indices((source // 4, source // 4)).sum(0) % 2, np.ones((4, 4))).astype(np.uint8) * 255
    transforms = random_transforms(augment, 1, SIDE, 0)
    crop = transform_films(
        board[None, ..., None], transforms.warp, transforms.tone, side=SIDE, fill="nearest"
    ).numpy()
    assert (crop > 250).mean() > 0.25
    assert (crop < 5).mean() > 0.25
