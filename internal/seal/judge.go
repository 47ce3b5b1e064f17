package seal

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"slices"
	"strings"

	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

const (
	// maxRecord bounds a record or CHAIN.json in memory; the recipients of one
	// SMTP transaction are the most of it.
	maxRecord = 64 << 20
	// maxLine bounds a line of the manifest in memory.
	maxLine = 64 << 20
)

// arrival is a message, or a record of another kind, as it was found.
type arrival struct {
	id        mail.ID
	seq       uint64
	record    mail.Digest // of the record's bytes
	content   mail.Digest // that the record names
	size      int64
	recordAt  place
	recordLen int
	contentAt place // of its own content
	own       bool  // has content of its own, which is right
	isMessage bool
}

// judge takes the entries of a file and compares each with all that others say
// of it. It holds about 170 bytes for each message.
type judge struct {
	report   Report
	to       func(Finding)
	arrivals []arrival
	holders  map[mail.Digest]int // whose content is right
	bad      map[mail.ID]bool    // said to be damaged already
	chain    Chain               // as counted
	said     *Chain              // as CHAIN.json says

	head   entryHead
	at     place
	hash   hash.Hash
	buffer bytes.Buffer // of a record or the chain
	lines  lines        // of manifest or sums

	seen       map[string]mail.Digest // entries that are no messages
	manifestAt place
	next       int  // arrival that the next manifest line should be of
	holes      bool // a line of the manifest could not be read
	sums       uint64
	over       bool
}

func newJudge(report func(Finding)) *judge {
	if report == nil {
		report = func(Finding) {}
	}
	return &judge{
		to: report, holders: map[mail.Digest]int{}, bad: map[mail.ID]bool{}, hash: sha256.New(),
		seen: map[string]mail.Digest{}, chain: Chain{Format: FormatVersion},
	}
}

func (j *judge) find(f Finding) {
	j.report.Findings++
	j.to(f)
}

// fault reports what is wrong with the current entry.
func (j *judge) fault(format string, args ...any) {
	f := Finding{Offset: j.at.member, Entry: j.head.name, What: fmt.Sprintf(format, args...)}
	if id, _ := j.head.message(); !id.IsZero() {
		f.IDs = []mail.ID{id}
		j.lose(id)
	}
	j.find(f)
}

// lose notes that a message is not what was sealed.
func (j *judge) lose(id mail.ID) {
	if !j.bad[id] {
		j.bad[id] = true
		j.report.Lost = append(j.report.Lost, id)
	}
}

func (j *judge) begin(e entryHead, at place) {
	j.head, j.at = e, at
	j.hash.Reset()
	j.buffer.Reset()
	switch e.name {
	case manifestName:
		j.manifestAt = at
		j.lines = lines{each: j.manifestLine}
	case sumsName:
		j.lines = lines{each: j.sumsLine}
	default:
		j.lines = lines{}
	}
	if j.over {
		j.fault("an entry behind the end of the tar file")
	}
}

func (j *judge) data(b []byte) {
	j.hash.Write(b)
	if j.lines.each != nil {
		j.lines.feed(b)
		return
	}
	if _, suffix := j.head.message(); suffix == recordSuffix || j.head.name == chainName {
		j.buffer.Write(b[:min(len(b), maxRecord-j.buffer.Len())])
	}
}

func (j *judge) ended() { j.over = true }

func (j *judge) end(whole bool) {
	id, suffix := j.head.message()
	switch {
	case !whole:
		j.fault("cut: what follows is missing or damaged")
	case suffix == recordSuffix:
		j.record(id)
	case suffix == contentSuffix:
		j.content(id)
	default:
		j.extra()
	}
}

// record judges an ID.json.
func (j *judge) record(id mail.ID) {
	r, err := vault.DecodeRecord(j.buffer.Bytes())
	if err != nil {
		j.fault("%v", err)
		return
	}
	if r.ID != id {
		j.fault("holds the record of %s", r.ID)
		return
	}
	digest := mail.Digest(j.hash.Sum(nil))
	if j.chain.Records > 0 && !j.linked(r) {
		return
	}
	j.chain.add(r, digest)
	j.arrivals = append(j.arrivals, arrival{
		id: id, seq: r.Seq, record: digest, content: r.SHA256, size: r.Size,
		recordAt: j.at, recordLen: j.buffer.Len(), isMessage: r.HasContent(),
	})
}

// linked compares a record with the one before it. False: it has no place here.
func (j *judge) linked(r *vault.Record) bool {
	last := j.chain.Last
	switch {
	case r.Vault != j.chain.Vault:
		j.fault("is of another vault (%s) than the records before it (%s)", r.Vault, j.chain.Vault)
		return false
	case r.Seq <= last.Seq || bytes.Compare(r.ID[:], last.ID[:]) <= 0:
		j.fault("record number %d comes behind number %d (%s)", r.Seq, last.Seq, last.ID)
		return false
	case r.Seq == last.Seq+1 && r.Prev != last.SHA256:
		j.fault("the chain is broken before it: the record before, %s, is not the one that it names", last.ID)
	}
	return true
}

// content judges an ID.eml, which stands behind its record.
func (j *judge) content(id mail.ID) {
	digest := mail.Digest(j.hash.Sum(nil))
	if len(j.arrivals) == 0 || j.arrivals[len(j.arrivals)-1].id != id {
		if !j.bad[id] {
			j.fault("has no record in front of it")
		}
		return
	}
	i := len(j.arrivals) - 1
	a := &j.arrivals[i]
	if a.content != digest || a.size != j.head.size || !a.isMessage || a.own {
		j.fault("is not what came in: %d bytes with SHA-256 %s, the record says %d and %s", j.head.size, digest, a.size, a.content)
		return
	}
	if _, twice := j.holders[digest]; twice {
		j.fault("the same bytes stand in the file twice")
		return
	}
	a.own, a.contentAt = true, j.at
	j.holders[digest] = i
	j.chain.Contents++
	j.chain.Bytes += a.size
}

// extra judges the entries that are no messages.
func (j *judge) extra() {
	j.lines.finish()
	digest := mail.Digest(j.hash.Sum(nil))
	_, twice := j.seen[j.head.name]
	switch {
	case twice || !slices.Contains([]string{readmeName, manifestName, chainName, sumsName}, j.head.name):
		j.fault("does not belong into an archive file")
		return
	case j.head.name == chainName:
		c, err := decodeChain(j.buffer.Bytes())
		if err != nil {
			j.fault("%v", err)
		} else {
			j.said, j.chain.Month = &c, c.Month
		}
	case j.head.name == manifestName:
		j.missingLines(len(j.arrivals))
	}
	j.seen[j.head.name] = digest
}

// manifestLine compares a line with the message that it is of.
func (j *judge) manifestLine(b []byte, cut bool) {
	l, err := decodeLine(b)
	if err != nil || cut {
		j.holes = true
		j.find(Finding{Offset: j.at.member, Entry: manifestName, What: fmt.Sprintf("a line cannot be read: %v", err)})
		return
	}
	i, found := slices.BinarySearchFunc(j.arrivals, l.Seq, func(a arrival, seq uint64) int {
		return compare(a.seq, seq)
	})
	j.missingLines(i)
	if !found {
		if !j.bad[l.ID] {
			j.lose(l.ID)
			j.find(Finding{Offset: j.at.member, Entry: manifestName, IDs: []mail.ID{l.ID}, What: fmt.Sprintf("record number %d is in the manifest and not in the file", l.Seq)})
		}
		return
	}
	j.next = i + 1
	a := j.arrivals[i]
	holder, held := j.holders[a.content]
	if l.ID != a.id || l.SHA256 != a.content || l.Size != a.size || held && l.File != contentName(j.arrivals[holder].id) {
		j.find(Finding{Offset: j.at.member, Entry: manifestName, IDs: []mail.ID{a.id}, What: fmt.Sprintf("the line of number %d says other things than the record", l.Seq)})
	}
}

// missingLines reports the messages up to number to that no line was of.
func (j *judge) missingLines(to int) {
	for ; j.next < to; j.next++ {
		if a := j.arrivals[j.next]; a.isMessage && !j.holes {
			j.find(Finding{Offset: a.recordAt.member, Entry: recordName(a.id), IDs: []mail.ID{a.id}, What: "is in the file and not in the manifest"})
		}
	}
	j.holes = false
}

// sumsLine compares a line of SHA256SUMS with the file that it names.
func (j *judge) sumsLine(b []byte, cut bool) {
	text, name, ok := strings.Cut(string(b), "  ")
	digest, err := mail.ParseDigest(text)
	if !ok || err != nil || cut {
		j.find(Finding{Offset: j.at.member, Entry: sumsName, What: "a line cannot be read"})
		return
	}
	j.sums++
	want, known, id := j.digestOf(name)
	switch {
	case !known && (id.IsZero() || !j.bad[id]):
		j.find(Finding{Offset: j.at.member, Entry: sumsName, What: fmt.Sprintf("names %q, which is not in the file or damaged", name), IDs: nonzero(id)})
	case known && digest != want:
		j.find(Finding{Offset: j.at.member, Entry: sumsName, What: fmt.Sprintf("%s has another digest", name), IDs: nonzero(id)})
	}
}

func nonzero(id mail.ID) []mail.ID {
	if id.IsZero() {
		return nil
	}
	return []mail.ID{id}
}

// digestOf returns the digest of an entry that was read whole.
func (j *judge) digestOf(name string) (d mail.Digest, known bool, id mail.ID) {
	id, suffix := (entryHead{name: name}).message()
	if suffix == "" {
		d, known = j.seen[name]
		return d, known, id
	}
	i, found := slices.BinarySearchFunc(j.arrivals, id, func(a arrival, id mail.ID) int { return bytes.Compare(a.id[:], id[:]) })
	switch {
	case !found:
		return d, false, id
	case suffix == recordSuffix:
		return j.arrivals[i].record, true, id
	}
	return j.arrivals[i].content, j.arrivals[i].own, id
}

// finish compares what can be compared at the end only.
func (j *judge) finish() {
	for _, a := range j.arrivals {
		if _, held := j.holders[a.content]; a.isMessage && !held && !j.bad[a.id] {
			j.lose(a.id)
			j.find(Finding{Offset: a.recordAt.member, Entry: recordName(a.id), IDs: []mail.ID{a.id}, What: "its bytes are not in the file"})
		}
	}
	for _, name := range []string{readmeName, manifestName, chainName, sumsName} {
		if _, ok := j.seen[name]; !ok {
			j.find(Finding{Entry: name, What: "is missing or damaged"})
		}
	}
	if j.report.Findings == 0 && (j.said == nil || *j.said != j.chain) {
		j.find(Finding{Entry: chainName, What: "says other things than the records"})
	}
	if want := j.chain.Records + j.chain.Contents + 3; j.report.Findings == 0 && j.sums != want {
		j.find(Finding{Entry: sumsName, What: fmt.Sprintf("has %d lines for %d files", j.sums, want)})
	}
	if j.report.Findings == 0 && !j.over {
		j.find(Finding{What: "the end of the tar file is missing"})
	}
	j.report.Chain = j.chain
	j.report.Lost = slices.DeleteFunc(j.report.Lost, j.saved)
}

// saved reports whether the record and the bytes of a message are right after
// all: a second copy of it was not, or its neighbour.
func (j *judge) saved(id mail.ID) bool {
	i, found := slices.BinarySearchFunc(j.arrivals, id, func(a arrival, id mail.ID) int { return bytes.Compare(a.id[:], id[:]) })
	if !found {
		return false
	}
	_, held := j.holders[j.arrivals[i].content]
	return held || !j.arrivals[i].isMessage
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// lines cuts a stream into lines without their line feeds.
type lines struct {
	each    func(line []byte, cut bool)
	pending []byte
	cut     bool // the pending line is longer than maxLine
}

func (l *lines) feed(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			l.keep(b)
			return
		}
		if len(l.pending) == 0 && !l.cut {
			l.each(b[:i], false)
		} else {
			l.keep(b[:i])
			l.each(l.pending, l.cut)
			l.pending, l.cut = l.pending[:0], false
		}
		b = b[i+1:]
	}
}

func (l *lines) keep(b []byte) {
	l.cut = l.cut || len(l.pending)+len(b) > maxLine
	l.pending = append(l.pending, b[:min(len(b), maxLine-len(l.pending))]...)
}

// finish hands on a last line that has no line feed, as one that was cut.
func (l *lines) finish() {
	if len(l.pending) > 0 {
		l.each(l.pending, true)
		l.pending = nil
	}
}
