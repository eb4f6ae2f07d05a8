"""Methods over cases: predicting, tuning, and explaining one picture."""
