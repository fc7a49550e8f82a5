"""Every operation that a run traces has a GPU kernel for its types: nothing falls back to the CPU.

TensorFlow's wheel for Linux on x86-64 registers its GPU kernels on machines without a GPU too.
"""

import gc
import json
import platform
from dataclasses import replace

import keras
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

from benchmarks.recipes import RECIPES
from pneumo_tf.explain.explainer import METHODS, Explainer
from pneumo_tf.models.registry import architecture, build
from pneumo_tf.recipe import Head
from pneumo_tf.training.cut import cut_network
from pneumo_tf.training.loss import film_loss
from pneumo_tf.training.optimizer import make_optimizer
from pneumo_tf.training.step import Predictor, TrainingStep
from pneumo_tf.training.trainable import set_trainable

pytestmark = pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64")
    or not tf.sysconfig.get_build_info()["is_cuda_build"],
    reason="only TensorFlow's wheel for Linux on x86-64 registers GPU kernels",
)

POLICIES = ("float32", "mixed_bfloat16")
FAST = ("conv3_gray", "conv3_bn")
SHALLOWER = {"convnext_base": "convnext_tiny", "resnet101v2": "resnet50v2", "densenet169": "densenet121"}
"""Deeper networks, and those that are traced in their place: both have the same kinds of layers."""

TRAINED = [recipe for recipe in RECIPES.values() if recipe.phases]
WITHOUT_SCORE_CAM = tuple(method for method in METHODS if method != "score_cam")
"""Score-CAM adds further passes through the whole network; the fast networks trace it."""

SIZES = ("name", "filters", "units")
FEWEST_OPERATIONS = 50
ON_ANY_DEVICE = {"_Arg", "_Retval", "Placeholder", "NoOp"}
"""Of the graph itself: they compute nothing."""


def traced_as(recipe):
    """The architecture that is traced for a recipe."""
    return SHALLOWER.get(recipe.architecture, recipe.architecture)


TRACED = list(dict.fromkeys(map(traced_as, TRAINED)))


def traced(function, *specs):
    return kinds_in(tf.function(function, input_signature=specs).get_concrete_function())


def kinds_in(function):
    """Operations, with their types, of a traced function and of all functions that it calls."""
    graph = function.graph.as_graph_def()
    called = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return {kind_of(node) for node in nodes if node.op not in called | ON_ANY_DEVICE}


def kind_of(node):
    """Operation and types of a node: what its kernel is chosen by."""
    definition = op_def_registry.get(node.op)
    types = {item.name: item.default_value.type for item in definition.attr if item.type == "type"}
    types |= {name: value.type for name, value in node.attr.items() if name in types}
    return node.op, tuple(sorted(types.items()))


def has_kernel(operation, types):
    for kernel in kernels.get_registered_kernels_for_op(operation).kernel:
        fits = all(types.get(item.name) in item.allowed_values.list.type for item in kernel.constraint)
        if fits and kernel.device_type in ("GPU", "DEFAULT"):
            return True
    return False


def lacking(kinds):
    """Operations without a GPU kernel, with their types."""
    return {
        f"{operation}({', '.join(f'{name}={tf.DType(kind).name}' for name, kind in types)})"
        for operation, types in kinds
        if not has_kernel(operation, dict(types))
    }


def one_of_each_kind(model, variables):
    """The first variable of each kind of layer: what the others trace has the same operations and types."""
    owners = {id(variable): layer for layer in model.layers for variable in layer.variables}
    chosen = {}
    for variable in variables:
        kind = (*kind_of_layer(owners[id(variable)]), variable.name, len(variable.shape))
        chosen.setdefault(kind, variable)
    return list(chosen.values())


def kind_of_layer(layer):
    """Class and configuration of a layer, but for its name and its number of channels."""
    config = {key: value for key, value in layer.get_config().items() if key not in SIZES}
    return type(layer).__name__, json.dumps(config, sort_keys=True, default=str)


def trace_step(model, recipe, phase, policy, *, all_variables=False):
    """Operations of the step of a phase; of variables of one kind the first is trained alone."""
    variables = set_trainable(model, architecture(model.name), phase)
    cut = cut_network(model, phase, variables)
    network = cut.classifier if cut else model
    inputs = tf.TensorSpec(network.inputs[0].shape, network.inputs[0].dtype)
    if not all_variables:
        variables = one_of_each_kind(model, variables)
    # In parts: the loop over parts holds all that a whole batch needs.
    step = TrainingStep(
        network,
        variables,
        make_optimizer(phase, 10, policy),
        film_loss(recipe),
        l2=phase.l2,
        micro_batches=2,
    )
    return traced(step.function._function, inputs, tf.TensorSpec((None,), tf.int32))


def trace_use(model, methods):
    """Operations of predictor and explainer."""
    films = tf.TensorSpec(model.inputs[0].shape, tf.uint8)
    kinds = traced(Predictor(model).function._function, films)
    return kinds | kinds_in(Explainer(model, methods)._pass.get_concrete_function())


def what_is_traced(recipe, phase):
    """What the step of a phase depends on."""
    return replace(phase, epochs=1, learning_rate=1.0, patience=None), recipe.loss, recipe.label_smoothing


def build_small(name, head):
    keras.utils.clear_session()
    gc.collect()
    return build(name, head=head, size=max(architecture(name).minimum_size, 32))


def kinds_of(name, policy):
    """All that the runs of an architecture and of deeper ones trace: each step, predictor and explainer."""
    recipes = [recipe for recipe in TRAINED if traced_as(recipe) == name]
    kinds = set()
    for head in dict.fromkeys(recipe.head for recipe in recipes):
        model = build_small(name, head)
        if not kinds:
            kinds |= trace_use(model, tuple(METHODS) if name in FAST else WITHOUT_SCORE_CAM)
        phases = {
            what_is_traced(recipe, phase): (recipe, phase)
            for recipe in recipes
            if recipe.head == head
            for phase in recipe.phases
        }
        for recipe, phase in phases.values():
            kinds |= trace_step(model, recipe, phase, policy)
    return kinds


@pytest.fixture
def use_policy():
    """Sets a global dtype policy, for one test."""
    before = keras.mixed_precision.dtype_policy()
    yield keras.mixed_precision.set_global_policy
    keras.mixed_precision.set_global_policy(before)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "name",
    [
        name if name in FAST else pytest.param(name, marks=pytest.mark.slow)
        for name in dict.fromkeys(map(traced_as, TRAINED))
    ],
)
def test_every_traced_operation_has_a_gpu_kernel(name, policy, use_policy):
    use_policy(policy)
    kinds = kinds_of(name, policy)
    operations = {operation for operation, _ in kinds}
    assert len(operations) >= FEWEST_OPERATIONS, sorted(operations)
    assert not lacking(kinds)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHALLOWER)
def test_a_deeper_network_has_no_other_kinds_of_layers(name):
    deep, shallow = (
        {kind_of_layer(layer) for layer in build_small(network, Head()).layers}
        for network in (name, SHALLOWER[name])
    )
    assert deep == shallow


@pytest.mark.parametrize("policy", POLICIES)
def test_one_variable_of_each_kind_traces_what_all_of_them_do(policy, use_policy):
    use_policy(policy)
    recipe = RECIPES["regularized_cnn"]
    model = build_small(recipe.architecture, recipe.head)
    few, every = (
        trace_step(model, recipe, recipe.phases[-1], policy, all_variables=all_variables)
        for all_variables in (False, True)
    )
    assert few == every


def test_an_operation_of_the_cpu_alone_is_found():
    def on_cpu(films):
        return tf.numpy_function(lambda x: x, [tf.strings.as_string(films)], tf.string)

    without = lacking(traced(on_cpu, tf.TensorSpec((None, 4), tf.float32)))
    assert {name.partition("(")[0] for name in without} == {"AsString", "PyFunc"}


def test_types_are_checked():
    def product(kind):
        return lacking(traced(lambda x: tf.matmul(x, x), tf.TensorSpec((4, 4), kind)))

    assert not product(tf.bfloat16)
    assert product(tf.int32)
