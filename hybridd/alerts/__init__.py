"""A change becomes an alert, or gets the reason why not."""
