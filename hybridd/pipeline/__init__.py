"""The verbs: collect, analyze, detect, alert, deliver."""
