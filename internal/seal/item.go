package seal

import (
	"io"
	"iter"

	"mailarchive/internal/mail"
)

// Item is one record of the vault on its way into an archive file.
type Item struct {
	// Record is the exact bytes of ID.json; they must stay as they are until
	// the iteration goes on.
	Record []byte
	// About is what the manifest says of the message.
	About About
	// Content opens the exact bytes. It is called at most twice (content larger
	// than [MemberSize] is read through before any of it is written), and not at
	// all when the file has the same bytes from an earlier item. Nil for a record
	// that has no content (other kinds than arrival): it goes into the file so
	// that the chain in it has no gap.
	Content func() (io.ReadCloser, error)
}

// Source yields items of one vault by rising seq. After an error that it
// yields nothing follows; Make returns that error.
type Source = iter.Seq2[Item, error]

// LeftOut is a message that could not be sealed because its bytes are not what
// its record says. It must stay where it is.
type LeftOut struct {
	ID  mail.ID
	Seq uint64
	Err error // wraps mail.ErrDamaged
}
