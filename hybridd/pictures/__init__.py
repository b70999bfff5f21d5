"""Pictures for people, drawn in a child process so that the daemon never holds the library that draws them."""
