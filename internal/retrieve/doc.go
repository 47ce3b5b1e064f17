// Package retrieve is the one door back to the bytes.
//
// In come who asks, what for, and the name of a message; out go bytes whose
// digest was compared with the one that was recorded when they came in. The
// record of who reads what is made before the first byte goes out; when it
// cannot be made, none goes. Nothing else is written, and a crash leaves at
// most a record of a reading that did not happen.
package retrieve
