// Package sqlite keeps the catalog in one SQLite file: rows in tables, full
// text in an FTS5 index.
//
// In come documents in vault order and queries as syntax trees; out go rows.
// When Apply returns nil, rows, full text and cursor are committed together to
// the write-ahead log. It is not synced at each commit (synchronous=NORMAL): a
// crash of the process loses nothing, a power cut may take back the last
// commits, each whole with its cursor, and the indexer adds them again from
// the vault. The file is never torn: SQLite syncs the log before it copies
// from it.
//
// # Numbers
//
// Documents are numbered by date, so that "the newest 50" is a backward walk
// over the index that stops early: docid is the UTC day of the sort date << 20
// | the next free number of that day, in vault order. Within a day the walk
// sorts by time. A number means nothing outside this package.
//
// # Terms
//
// Text columns hold the words of package token, one a position, "=" between
// the names of two persons or attachments so that no phrase spans them. The
// column address holds terms that begin with "=", which no word does: see
// terms.go. One of them stands in every document, so that "all but" is a walk
// too.
package sqlite
