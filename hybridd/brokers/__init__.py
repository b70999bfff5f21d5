"""Where orders go: to the person, to a made-up market, or to an exchange."""
