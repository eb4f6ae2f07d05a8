"""The metric's Space: paste boxes, see the scores."""

import json

import evaluate
import gradio as gr

EXAMPLE = "[[[0, 0, 10, 10]], []]"
metric = evaluate.load("attribution_overlap.py")


def run(predictions: str, references: str) -> dict:
    """Scores of two JSON lists of lists of boxes."""
    try:
        return metric.compute(predictions=json.loads(predictions), references=json.loads(references))
    except ValueError as error:
        raise gr.Error(str(error)) from error


demo = gr.Interface(
    run,
    [
        gr.Code(EXAMPLE, language="json", label="predictions"),
        gr.Code(EXAMPLE, language="json", label="references"),
    ],
    gr.JSON(label="scores"),
    title="Attribution overlap",
    description="One list of boxes [x0, y0, x1, y1] per picture, native pixels.",
    analytics_enabled=False,
)

if __name__ == "__main__":
    demo.launch(run_history=False, show_error=False, allowed_paths=[], ssr_mode=False)
