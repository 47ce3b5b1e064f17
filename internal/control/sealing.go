package control

import (
	"context"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// ArchiveRequest asks for an archive file of what is not in one yet: up to the
// end of Month ("2026-10"), or all that was received before Until; with neither
// up to the end of the last month.
type ArchiveRequest struct {
	Month string    `json:"month,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Archived is what came of it.
type Archived struct {
	Files []ArchiveFile `json:"files"` // new ones
	// LeftOut are messages whose bytes are not what their record says; they
	// stay where they are.
	LeftOut []mail.ID `json:"left_out,omitempty"`
	// Freed is the space in bytes that the vault gave back; Kept is why it
	// gave none.
	Freed int64  `json:"freed"`
	Kept  string `json:"kept,omitempty"`
}

// ArchiveState is where an archive file is and in what state.
type ArchiveState string

// The states.
const (
	ArchiveHere       ArchiveState = "here"
	ArchiveUnverified ArchiveState = "unverified" // here, and not read since it came
	ArchiveMoved      ArchiveState = "moved off"
	ArchiveDamaged    ArchiveState = "damaged"
	ArchiveForeign    ArchiveState = "foreign" // here, of another archive or not known
)

// ArchiveFile is one archive file as lists show it.
type ArchiveFile struct {
	Name     string       `json:"name"`
	State    ArchiveState `json:"state"`
	Messages uint64       `json:"messages"`
	Bytes    int64        `json:"bytes"` // of mail
	Size     int64        `json:"size"`  // of the file
	SHA256   mail.Digest  `json:"sha256"`
	First    uint64       `json:"first"` // numbers of its records
	Last     uint64       `json:"last"`
	Made     time.Time    `json:"made"`
	// Key says what opens it, "" when it is not encrypted.
	Key string `json:"key,omitempty"`
	// Locked says that the secret for it is not here.
	Locked bool `json:"locked,omitempty"`
	// Live says that its messages are still in the vault as well.
	Live     bool      `json:"live,omitempty"`
	Verified time.Time `json:"verified,omitzero"` // when it was last read whole
	Findings int       `json:"findings,omitempty"`
	// Where says where a file that is not here has to be put.
	Where string `json:"where,omitempty"`
}

// ArchiveAction is what to do with archive files.
type ArchiveAction string

// The actions.
const (
	// ArchiveVerify reads a file that is here and compares everything in it.
	ArchiveVerify ArchiveAction = "verify"
	// ArchiveForget takes a file away that was copied elsewhere.
	ArchiveForget ArchiveAction = "forget"
	// ArchiveRelease lets the vault give up messages that are in a file which
	// this server cannot read again.
	ArchiveRelease ArchiveAction = "release"
)

// ArchiveActionRequest asks for an action on files, by name; none are all that
// are here, for verify.
type ArchiveActionRequest struct {
	Action ArchiveAction `json:"action"`
	Names  []string      `json:"names,omitempty"`
	// Copy is the digest of a copy elsewhere, for forget; it has to be that of
	// the file.
	Copy mail.Digest `json:"copy,omitzero"`
}

// RestoreRequest brings an archive file back.
type RestoreRequest struct {
	Path string `json:"path"` // absolute, on the server
	// Password opens it when it was made with one that is not configured here.
	Password string `json:"password,omitempty"`
}

// Restored is what a restore brought.
type Restored struct {
	// File is the name under which a file of this archive is back; its
	// messages are read from it. Else they were taken into the vault:
	File     string    `json:"file,omitempty"`
	Messages uint64    `json:"messages"`       // in the file
	New      uint64    `json:"new"`            // that this archive did not have
	Returned uint64    `json:"returned"`       // whose bytes came back
	Here     uint64    `json:"here"`           // that were here already
	Lost     []mail.ID `json:"lost,omitempty"` // that the file names and does not have
	Findings int       `json:"findings"`
}

// Seal asks the server.
func (c *Client) Seal(ctx context.Context, scope access.Scope, q ArchiveRequest, report Report) (Archived, error) {
	return invoke[Archived](ctx, c, scope, "archive", q, report)
}

// Archives asks the server.
func (c *Client) Archives(ctx context.Context, scope access.Scope) ([]ArchiveFile, error) {
	return invoke[[]ArchiveFile](ctx, c, scope, "archives", struct{}{}, Report{})
}

// ActOnArchives asks the server.
func (c *Client) ActOnArchives(ctx context.Context, scope access.Scope, q ArchiveActionRequest, report Report) ([]ArchiveFile, error) {
	return invoke[[]ArchiveFile](ctx, c, scope, "archives/act", q, report)
}

// Restore asks the server.
func (c *Client) Restore(ctx context.Context, scope access.Scope, q RestoreRequest, report Report) (Restored, error) {
	return invoke[Restored](ctx, c, scope, "restore", q, report)
}
