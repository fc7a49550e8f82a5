"""The page of explanations: measures of saliency maps, tables and verdicts."""
