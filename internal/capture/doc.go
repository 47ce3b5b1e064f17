// Package capture is the first step of a message: envelope and bytes come in
// from whatever protocol or file, and the vault has them when they leave.
//
// In come an envelope and a reader; out goes the arrival as the vault recorded
// it. When [Acceptor.Accept] returns nil, exact bytes and record are on disk,
// synced, and the sender may be told yes; on any error nothing may be told but
// "try again", or "never" when the error is of a kind that says so. A crash
// before that leaves bytes that nobody was told of.
//
// This is the only place that may say yes. Packages below it turn a protocol
// or a file format into calls of Accept.
package capture
