"""Predictions against measurements: evidence files, the policy that fills what they leave out, errors, calibration."""
