// Command mail-archive keeps every message that is handed to it, finds it and
// gives it back byte for byte. See package cli for its commands.
package main

import (
	"os"

	"mailarchive/internal/app"
	"mailarchive/internal/cli"
)

// version is set by the linker (see the Makefile).
var version string

func main() { os.Exit(cli.Main(os.Args, cli.System(), app.Commands(version))) }
