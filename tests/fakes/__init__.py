"""Local stand-ins for the services that hybridd talks to: real servers on the loopback interface."""
