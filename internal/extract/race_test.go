//go:build race

package extract

// raceEnabled says that the race detector is in the build.
const raceEnabled = true
