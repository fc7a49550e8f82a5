"""Saliency maps by `tf.GradientTape` on flat Keras graphs, and measures of them."""
