"""Forecasts and impacts of stored series: read, compared by backtest, published, and tracked."""
