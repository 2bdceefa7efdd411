"""Accuracy and seconds of forecasts and of impact beside their peers."""
