"""Predictions against measurements: evidence files, the policy that fills gaps, errors, calibration."""
