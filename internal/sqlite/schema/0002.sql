-- All begins anew: the index has more in it now, and only the vault can say
-- what. The indexer fills it again from there.
DROP TABLE fts;
DROP TABLE arrival;
DROP TABLE message;
DROP TABLE meta;
DROP TABLE state;

-- One row: how far the catalog has come, counted in the transaction that
-- changes it.
CREATE TABLE state (
	cursor      INTEGER NOT NULL,
	arrivals    INTEGER NOT NULL,
	messages    INTEGER NOT NULL,
	unparseable INTEGER NOT NULL,
	bytes_raw   INTEGER NOT NULL,
	-- The most days that a number lies behind the day of its sort date,
	-- because that day was full.
	spill       INTEGER NOT NULL
);
INSERT INTO state VALUES (0, 0, 0, 0, 0, 0);

-- What the file is: tokenizer, complete.
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

-- In how many messages each term stood up to the message of arrival seq, as
-- package keyword writes it, and the terms of each message behind it.
CREATE TABLE frequency (
	seq      INTEGER NOT NULL,
	counters BLOB NOT NULL
);
CREATE TABLE candidate (
	seq   INTEGER PRIMARY KEY, -- of the first arrival that could be read
	terms TEXT NOT NULL        -- JSON
);

-- Statistics, and the messages that are not in them yet.
CREATE TABLE volume (
	hour     INTEGER NOT NULL, -- Unix seconds
	way      TEXT NOT NULL,
	messages INTEGER NOT NULL,
	bytes    INTEGER NOT NULL,
	PRIMARY KEY (hour, way)
) WITHOUT ROWID;
CREATE TABLE tally (
	dimension TEXT NOT NULL,
	value     TEXT NOT NULL,
	messages  INTEGER NOT NULL,
	bytes     INTEGER NOT NULL,
	PRIMARY KEY (dimension, value)
) WITHOUT ROWID;
CREATE INDEX tally_most ON tally (dimension, messages DESC, value);
CREATE TABLE uncounted (docid INTEGER PRIMARY KEY);

-- A row for each distinct content. ID, time and envelope of its first arrival
-- stand in arrival, at first_seq.
CREATE TABLE message (
	docid       INTEGER PRIMARY KEY, -- UTC day of sort_date << 20 | number
	first_seq   INTEGER NOT NULL UNIQUE,
	arrivals    INTEGER NOT NULL,
	unread      INTEGER NOT NULL,    -- 1: the content could not be read back
	sha256      BLOB NOT NULL UNIQUE,
	size        INTEGER NOT NULL,
	sort_date   INTEGER NOT NULL,    -- Unix milliseconds
	date        INTEGER,             -- Unix seconds
	message_id  TEXT NOT NULL,
	subject     TEXT NOT NULL,
	people      TEXT NOT NULL,       -- JSON: [[role, name, address], ...]
	attachments TEXT,                -- JSON
	keywords    TEXT,                -- JSON
	problems    TEXT                 -- JSON
);

CREATE TABLE arrival (
	seq        INTEGER PRIMARY KEY,
	id         BLOB NOT NULL UNIQUE,
	docid      INTEGER NOT NULL,
	further    INTEGER NOT NULL,     -- 0: the message's first arrival
	received   INTEGER NOT NULL,     -- Unix nanoseconds
	envelope   TEXT NOT NULL,        -- JSON
	import_key BLOB,
	way        TEXT NOT NULL         -- direction; "" for none
);
-- The first arrival is found by message.first_seq; an index in docid order on
-- all of them would cost a random write for each.
CREATE INDEX arrival_further ON arrival (docid, seq) WHERE further = 1;
-- Eight bytes find the row, the whole key decides.
CREATE INDEX arrival_import ON arrival (substr(import_key, 1, 8)) WHERE import_key IS NOT NULL;

-- body comes first: FTS5 stores no column number for the first column.
-- The tokens come from package token, separated by spaces; the tokenizer here
-- takes every other ASCII character as part of a token.
CREATE VIRTUAL TABLE fts USING fts5 (
	body, subject, attachment, from_name, to_name, cc_name, bcc_name, address, header,
	content = '', contentless_delete = 1, detail = full,
	tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\]^_`{|}~'"
);
