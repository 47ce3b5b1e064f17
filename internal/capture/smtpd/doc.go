// Package smtpd takes mail in by SMTP and LMTP.
//
// In come sessions of package smtp; out go calls of capture's Accept, one for
// each message with all its recipients. The peer hears yes only after Accept
// returned nil, so bytes and record are on disk then; a crash before that
// leaves a peer without an answer, which tries again. The one file of its own
// is the certificate of [LoadOrMakeCertificate].
//
// Every recipient and sender is taken: an archive keeps what the gateway sends
// it. Who may connect at all is a matter of networks.
package smtpd
