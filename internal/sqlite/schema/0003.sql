-- How keywords are written that tally counts by their folded words; one that is
-- written so is left out.
CREATE TABLE form (
	value    TEXT NOT NULL, -- of dimension keyword
	written  TEXT NOT NULL,
	messages INTEGER NOT NULL,
	PRIMARY KEY (value, written)
) WITHOUT ROWID;
