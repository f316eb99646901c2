"""From one account's `AnalysisInput` to trades with reasons and a certificate. `analysis.analyze` is the way in."""
