"""Claims about GPUs that were tested without one: their tests, and the command that decides on a GPU."""

from collections.abc import Sequence
from typing import NamedTuple

from pneumo_tf.report.markdown import Markdown, Table


class GpuClaim(NamedTuple):
    """One claim that no run on a GPU has confirmed yet.

    Args:
        claim: What is claimed.
        basis: What the tests run on: `"CPU"`, `"fake NVML"`, `"fake errors"` …
        tests: Tests that check it, each `"file::function"`; empty if there is none yet.
        decided_by: Step of `python -m benchmarks.doctor`, or another command, that decides it on a GPU.
    """

    claim: str
    basis: str
    tests: tuple[str, ...]
    decided_by: str


GPU_CLAIMS = (
    GpuClaim(
        "`CUDA_VISIBLE_DEVICES` is read as CUDA reads it: numbers, UUIDs, prefixes, invalid entries",
        "fake NVML",
        ("tests/costs/test_hardware_detection.py::test_cuda_visible_devices_is_read_as_cuda_reads_it",),
        "doctor: `machine`, `probe`",
    ),
    GpuClaim(
        "a MIG slice is found, named and used by itself, without the peak and the energy of its card",
        "fake NVML",
        (
            "tests/costs/test_hardware_detection.py::test_a_worker_is_given_the_entry_of_its_card_or_slice",
            "tests/costs/test_hardware_detection.py::"
            "test_a_slice_has_its_own_name_and_memory_and_neither_peak_nor_energy",
            "tests/benchmarks/doctor/test_steps.py::test_a_slice_is_described_by_itself_and_never_by_its_card",
        ),
        "doctor: `machine`, `training_step`, on a card in MIG mode",
    ),
    GpuClaim(
        "energy is that of the run's card alone, and is not reported if another process computes on it",
        "fake NVML",
        (
            "tests/costs/test_hardware.py::test_energy_of_a_shared_card_is_not_reported",
            "tests/benchmarks/worker/test_training_run.py::"
            "test_energy_is_that_of_the_whole_training_or_not_reported",
        ),
        "doctor: `machine`, `tiny_run`, `training_step`",
    ),
    GpuClaim(
        "a card that TensorFlow cannot compute on stops the suite before its first run, with the reason",
        "fake processes",
        (
            "tests/benchmarks/suite/test_gpu_probe.py::"
            "test_the_card_that_fails_is_named_with_the_reason_of_tensorflow",
            "tests/benchmarks/worker/test_training_run.py::"
            "test_a_gpu_that_tensorflow_cannot_use_stops_everything",
        ),
        "doctor: `probe`",
    ),
    GpuClaim(
        "memory growth is requested before any operation opens the card",
        "fake device",
        ("tests/benchmarks/test_device_start.py::test_growth_is_requested_before_any_constant",),
        "doctor: `tiny_run`; `python -m benchmarks.speed --only h`",
    ),
    GpuClaim(
        "every operation that a run traces has a GPU kernel for its types",
        "kernels registered in TensorFlow's wheel",
        ("tests/models/test_gpu_kernels.py::test_every_traced_operation_has_a_gpu_kernel",),
        "doctor: `tiny_run`, `training_step`, `explaining`",
    ),
    GpuClaim(
        "each error of a full card is recognised: the batch is split, and the run continues",
        "fake errors, with texts from TensorFlow's binary",
        (
            "tests/benchmarks/worker/test_micro_batching.py::"
            "test_every_spelling_of_out_of_memory_splits_the_batches",
            "tests/benchmarks/doctor/test_steps.py::test_batches_are_split_until_one_fits",
        ),
        "doctor: `full_card`",
    ),
    GpuClaim(
        "a full card costs the current phase, not the run; other seeds start with the micro-batches that "
        "fitted",
        "fake errors",
        (
            "tests/benchmarks/worker/test_micro_batching.py::"
            "test_a_phase_that_runs_out_of_memory_is_repeated_and_not_the_run",
            "tests/benchmarks/worker/test_micro_batching.py::"
            "test_micro_batches_that_worked_are_stored_for_other_runs_of_the_recipe",
        ),
        "doctor: `full_card`, for the micro-batches; a run on a card that is too small",
    ),
    GpuClaim(
        "a stage that fails after the predictions, such as explanations on a full card, leaves the run done",
        "fake errors, and a worker killed",
        (
            "tests/benchmarks/worker/test_late_stages.py::"
            "test_a_failed_explanation_is_a_note_on_a_done_run_and_is_made_again_from_the_model",
            "tests/benchmarks/worker/test_late_stages.py::"
            "test_a_worker_killed_while_it_explains_leaves_a_done_run_with_a_note",
        ),
        "doctor: `explaining`",
    ),
    GpuClaim(
        "an attempt that ran out of memory frees all of its device memory",
        "CPU, by weak references",
        (
            "tests/benchmarks/worker/test_micro_batching.py::"
            "test_nothing_of_an_attempt_that_ran_out_of_memory_survives",
        ),
        "doctor: `full_card`, its column of memory after each attempt",
    ),
    GpuClaim(
        "a full card does not end a run that explains: Eigen-CAM's matrices are decomposed on the CPU",
        "CPU, by the device in the graph",
        ("tests/explain/test_cam.py::test_eigen_cam_is_decomposed_on_the_cpu",),
        "doctor: `explaining`",
    ),
    GpuClaim(
        "float32, bfloat16, XLA and micro-batches give the same loss and gradient except for rounding",
        "CPU",
        (
            "tests/training/test_step.py::test_xla_changes_no_loss",
            "tests/training/test_step.py::"
            "test_accumulated_gradients_equal_the_whole_batch_for_every_schedule_in_use",
            "tests/benchmarks/doctor/test_steps.py::test_micro_batches_and_the_whole_batch_agree",
        ),
        "doctor: `agreement`",
    ),
    GpuClaim(
        "float32 is not TF32",
        "CPU, by TensorFlow's switch",
        ("tests/benchmarks/test_device_start.py::test_tf32_is_off_in_a_worker",),
        "doctor: `probe`, `agreement`",
    ),
    GpuClaim(
        "mixed precision learns, with float32 weights and logits",
        "CPU",
        (
            "tests/training/test_step.py::test_mixed_precision_learns_with_float32_weights_and_logits",
            "tests/models/test_architectures.py::test_bfloat16_keeps_input_and_logits_in_float32",
        ),
        "a full run; its row on the board",
    ),
    GpuClaim(
        "under XLA only the usual batch length is compiled, and each first call counts as trace",
        "CPU, by the programs that XLA writes, and by counting calls",
        (
            "tests/training/test_compiled.py::test_lengths_8_8_3_8_3_compile_once_as_xla_itself_reports",
            "tests/training/test_compiled.py::test_every_first_call_counts_as_trace",
        ),
        "doctor: `training_step_xla`; it also shows whether XLA is faster",
    ),
    GpuClaim(
        "the pipeline keeps a GPU busy without prefetching to it",
        "nothing; films per second are measured on a CPU",
        ("tests/benchmarks/doctor/test_steps.py::test_feeds_are_compared_with_the_resident_batch",),
        "doctor: `feeding`; row (h)",
    ),
    GpuClaim(
        "ConvNeXt's layer scale as a depthwise convolution of 1×1 costs no more than a multiplication",
        "CPU, for its result alone",
        ("tests/benchmarks/doctor/test_steps.py::test_a_depthwise_kernel_of_one_pixel_is_a_multiplication",),
        "doctor: `depthwise`",
    ),
    GpuClaim(
        "each backbone reaches 0.9 of its ceiling in training and inference; share of peak arithmetic",
        "CPU, one small backbone",
        (
            "tests/benchmarks/test_speed_measurements.py::test_backbones_run_where_there_is_no_gpu_too",
            "tests/costs/test_peak_flops.py::test_data_sheets",
        ),
        "row (h)",
    ),
    GpuClaim(
        "the estimated time of a suite on a GPU, from 10 % of its peak and 20 ms a step",
        "nothing: the estimate is compared with runs on a CPU only",
        (
            "tests/benchmarks/suite/test_forecast.py::test_stored_cpu_runs_took_a_third_to_three_times_the_estimate",
        ),
        "the first full suite; finished runs then replace the estimate",
    ),
    GpuClaim(
        "the batches of the large recipes fit a card of 80 GB, and some must be split on 40 GB",
        "CPU, by counting the tensors that are kept for gradients: a lower bound",
        (
            "tests/costs/test_saved_tensors.py::test_pooling_and_batch_norm_by_hand",
            "tests/benchmarks/worker/test_micro_batching.py::"
            "test_micro_batches_are_chosen_before_a_batch_that_cannot_fit_is_tried",
        ),
        "doctor: `training_step`, peak of device memory",
    ),
)
"""Once a run on a GPU has decided a claim, remove its entry and write the figure next to the claim."""


def claims_table(claims: Sequence[GpuClaim] = GPU_CLAIMS) -> Markdown:
    """Return the claims as a table in markdown."""
    rows = [
        (claim.claim, claim.basis, ", ".join(map(_name_test, claim.tests)), claim.decided_by)
        for claim in claims
    ]
    cells = [tuple(map(Markdown, row)) for row in rows]
    return Table(("Claim", "Checked on", "By", "Decided on a GPU by"), cells, left=4).markdown()


def _name_test(test: str) -> str:
    file, _, function = test.partition("::")
    return f"`{function}` in `{file}`"
