package seal

import (
	"encoding/json"
	"fmt"

	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// FormatVersion is the version of the archive file's format that this package
// writes.
const FormatVersion = 1

// Link is one record as the chain knows it.
type Link struct {
	Seq    uint64      `json:"seq"`
	ID     mail.ID     `json:"id"`
	Prev   mail.Digest `json:"prev"`   // SHA-256 of the record before it
	SHA256 mail.Digest `json:"sha256"` // of this record's bytes
}

// Chain is CHAIN.json: where a file's records stand in the chain of their
// vault, and how much there is of everything.
type Chain struct {
	Format   int        `json:"format"`
	Vault    vault.UUID `json:"vault"`
	Month    string     `json:"month"` // as in the file's name
	First    Link       `json:"first"`
	Last     Link       `json:"last"`
	Records  uint64     `json:"records"`
	Messages uint64     `json:"messages"` // records that stand for a message
	Contents uint64     `json:"contents"` // .eml files
	Bytes    int64      `json:"bytes"`    // in them
	// Missing is how many records between first and last are in other files or
	// still in the vault.
	Missing uint64 `json:"missing"`
}

// add takes one more record, the next by seq, into account.
func (c *Chain) add(r *vault.Record, digest mail.Digest) {
	link := Link{Seq: r.Seq, ID: r.ID, Prev: r.Prev, SHA256: digest}
	if c.Records == 0 {
		c.Vault, c.First = r.Vault, link
	} else {
		c.Missing += r.Seq - c.Last.Seq - 1
	}
	c.Last = link
	c.Records++
	if r.IsArrival() {
		c.Messages++
	}
}

func (c *Chain) encode() ([]byte, error) {
	b, err := json.MarshalIndent(c, "", "  ")
	return append(b, '\n'), err
}

// decodeChain reads CHAIN.json. Errors wrap mail.ErrDamaged.
func decodeChain(b []byte) (Chain, error) {
	var c Chain
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%s is not JSON (%v): %w", chainName, err, mail.ErrDamaged)
	}
	if c.Format != FormatVersion {
		return c, fmt.Errorf("%s has format %d, this program reads %d: %w", chainName, c.Format, FormatVersion, mail.ErrDamaged)
	}
	return c, nil
}
