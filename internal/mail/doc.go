// Package mail is the vocabulary that every step shares: IDs, digests,
// addresses, envelopes and arrivals. It does no I/O and keeps no state, so
// nothing is on disk when a call returns and a crash leaves nothing.
//
// Different ideas have different types however alike their bytes: an [ID]
// never fits where a [Digest] is wanted. Text that came from the other side of
// a connection is kept as the bytes that came; a Go string here may hold any
// bytes, valid UTF-8 or not.
package mail
