"""The dictionary of the house: frozen values and transition tables."""
