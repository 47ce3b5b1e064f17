//go:build race

package vault

// raced says that the race detector watches, which makes all that copies bytes
// ten times slower: tests that count cases, not goroutines, take fewer.
const raced = true
