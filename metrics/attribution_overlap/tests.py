"""Examples that the Space shows, and that the test suite runs."""

test_cases = [
    {
        "predictions": [[[0, 0, 10, 10]]],
        "references": [[[0, 0, 10, 10]]],
        "result": {"iou": 1.0, "f1": 1.0, "precision": 1.0, "recall": 1.0, "n": 1},
    },
    {
        "predictions": [[[0, 0, 10, 10], [0, 0, 10, 10]], []],
        "references": [[[0, 0, 10, 20]], [[5, 5, 6, 6]]],
        "result": {"iou": 0.25, "f1": 1 / 3, "precision": 0.5, "recall": 0.25, "n": 2},
    },
    {
        "predictions": [[], [[20, 20, 30, 30]]],
        "references": [[], [[0, 0, 10, 10]]],
        "result": {"iou": 0.5, "f1": 0.5, "precision": 0.5, "recall": 0.5, "n": 2},
    },
]
