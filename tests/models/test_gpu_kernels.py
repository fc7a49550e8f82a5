"""Every operation that a run traces has a GPU kernel for its types: nothing falls back to the CPU.

TensorFlow's wheel for Linux on x86-64 registers its GPU kernels on machines without a GPU too.
"""

import gc
import platform

import keras
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

from benchmarks.recipes import RECIPES
from pneumo_tf.explain.explainer import METHODS, Explainer
from pneumo_tf.models.registry import architecture, build
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
FAST = ("custom_cnn", "regularized_cnn")
TRAINED = [name for name, recipe in RECIPES.items() if recipe.phases]
FEWEST_OPERATIONS = 50
ON_ANY_DEVICE = {"_Arg", "_Retval", "Placeholder", "NoOp"}
"""Of the graph itself: they compute nothing."""


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


def kinds_of(recipe, policy):
    """All that a run of a recipe traces: the step of each phase, predictor and explainer."""
    keras.utils.clear_session()
    gc.collect()
    entry = architecture(recipe.architecture)
    size = max(entry.minimum_size, 32)
    model = build(recipe.architecture, head=recipe.head, size=size)
    labels, films = tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None, size, size, 1), tf.uint8)
    kinds = traced(Predictor(model).function._function, films)
    kinds |= kinds_in(Explainer(model, tuple(METHODS))._pass.get_concrete_function())
    for phase in recipe.phases:
        variables = set_trainable(model, entry, phase)
        cut = cut_network(model, phase, variables)
        network = cut.classifier if cut else model
        inputs = tf.TensorSpec(network.inputs[0].shape, network.inputs[0].dtype)
        optimizer = make_optimizer(phase, 10, policy)
        # In parts: the loop over parts holds all that a whole batch needs.
        step = TrainingStep(network, variables, optimizer, film_loss(recipe), l2=phase.l2, micro_batches=2)
        kinds |= traced(step.function._function, inputs, labels)
    return kinds


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in TRAINED]
)
def test_every_traced_operation_has_a_gpu_kernel(name, policy):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        kinds = kinds_of(RECIPES[name], policy)
    finally:
        keras.mixed_precision.set_global_policy(before)
    operations = {operation for operation, _ in kinds}
    assert len(operations) >= FEWEST_OPERATIONS, sorted(operations)
    assert not lacking(kinds)


def test_an_operation_of_the_cpu_alone_is_found():
    def on_cpu(films):
        return tf.numpy_function(lambda x: x, [tf.strings.as_string(films)], tf.string)

    without = lacking(traced(on_cpu, tf.TensorSpec((None, 4), tf.float32)))
    assert {name.partition("(")[0] for name in without} == {"AsString", "PyFunc"}


def test_types_are_looked_at():
    def product(kind):
        return lacking(traced(lambda x: tf.matmul(x, x), tf.TensorSpec((4, 4), kind)))

    assert not product(tf.bfloat16)
    assert product(tf.int32)
