"""hybridd tried on itself: the real daemon, killed again and again, against services that ship with it."""
