//go:build !race

package app

const slowed = false
