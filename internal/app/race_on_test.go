//go:build race

package app

// slowed: the race detector makes the database ten times slower.
const slowed = true
