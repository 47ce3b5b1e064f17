package audit

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable/durabletest"
)

const november = "2026-11.jsonl"

// split returns the lines of a file, line feeds included.
func split(text string) []string { return slices.Collect(strings.Lines(text)) }

// stale gives a record whose head file is behind by the commits that build
// makes.
func stale(t *testing.T, build func(*lab)) *lab {
	l := newLab(t, Options{HeadEvery: time.Hour})
	l.record("a", "b")
	l.restart()
	build(l)
	l.disk = l.disk.Crash(durabletest.Everything)
	l.log.Close()
	return l
}

func (l *lab) lastRecovery() string {
	l.Helper()
	entries := collect(l, l.log, Filter{Acts: []Act{ActRecovered}, Newest: true, Limit: 1})
	if len(entries) == 0 {
		return ""
	}
	return entries[0].Reason
}

// What a crash leaves of the last commit is moved aside; whole lines at its
// start stay.
func TestTornEnd(t *testing.T) {
	for _, c := range []struct {
		what string
		tear func(lines []string) string
		want string // objects that stay
	}{
		{"nothing torn", func(l []string) string { return strings.Join(l, "") }, "a b c d e"},
		{"half the last line", func(l []string) string { return strings.Join(l[:4], "") + l[4][:70] }, "a b c d"},
		{"no line feed", func(l []string) string { return strings.TrimSuffix(strings.Join(l, ""), "\n") }, "a b c d"},
		{"half the first line", func(l []string) string { return strings.Join(l[:2], "") + l[2][:5] }, "a b"},
		{"zeros at the end", func(l []string) string { return strings.Join(l[:3], "") + strings.Repeat("\x00", 700) }, "a b c"},
		{"a hole in the middle", func(l []string) string {
			return strings.Join(l[:3], "") + strings.Repeat("\x00", len(l[3])) + l[4]
		}, "a b c"},
		{"a hole at the start", func(l []string) string {
			return strings.Join(l[:2], "") + strings.Repeat("\x00", len(l[2])) + l[3] + l[4]
		}, "a b"},
	} {
		t.Run(c.what, func(t *testing.T) {
			l := stale(t, func(l *lab) { l.group("c", "d", "e") })
			text := l.read(november)
			torn := c.tear(split(text))
			l.write(november, torn)
			l.start()
			r := l.log.Recovery()
			if len(r.Findings) > 0 {
				t.Errorf("a crash is taken for more: %v", r.Findings)
			}
			var kept []string
			for _, o := range l.objects() {
				if o != "" {
					kept = append(kept, o)
				}
			}
			if got := strings.Join(kept, " "); got != c.want {
				t.Errorf("entries are %q, want %q", got, c.want)
			}
			l.wantTorn(torn, len(c.want) == len("a b c d e"))
			l.wantWhole()
			l.record("next")
			l.crash(durabletest.Nothing).wantWhole()
		})
	}
}

// wantTorn looks for the bytes behind the last whole line in torn/, and for
// the entry that says so.
func (l *lab) wantTorn(text string, none bool) {
	l.Helper()
	torn := l.log.Recovery().Torn
	if none {
		if len(torn) > 0 || l.lastRecovery() != "" {
			l.Errorf("torn is %v", torn)
		}
		return
	}
	if len(torn) != 1 {
		l.Fatalf("torn is %v, want one stretch", torn)
	}
	if got, want := l.read(torn[0].Kept), text[torn[0].Offset:]; got != want || got == "" {
		l.Errorf("kept %q, want %q", got, want)
	}
	if want := fmt.Sprintf("%d bytes behind the last entry of %s moved to %s", torn[0].Length, november, torn[0].Kept); l.lastRecovery() != want {
		l.Errorf("the record says %q, want %q", l.lastRecovery(), want)
	}
}

// A file of which nothing is whole goes, and the one before goes on.
func TestTornFirstLineOfAFile(t *testing.T) {
	l := stale(t, func(l *lab) {
		l.setClock(noon.AddDate(0, 1, 0))
		l.record("c")
	})
	l.write("2026-12.jsonl", l.read("2026-12.jsonl")[:100])
	l.start()
	l.record("d")
	l.wantObjects("a b  d")
	l.wantWhole()
	if r := l.log.Recovery(); len(r.Torn) != 1 || len(r.Findings) > 0 {
		t.Errorf("recovery is %+v", r)
	}
}

// Torn bytes in the same place twice have two files.
func TestTornTwice(t *testing.T) {
	l := stale(t, func(l *lab) { l.record("c") })
	torn := l.read(november) + "half a line"
	l.write(november, torn)
	l.start()
	l.log.Close()
	l.write(november, torn) // back from a backup
	l.remove(headFile)
	l.start()
	kept := l.log.Recovery().Torn
	if len(kept) != 1 || !strings.HasSuffix(kept[0].Kept, "-2") {
		t.Errorf("kept %v, want another file", kept)
	}
}

// What was acknowledged and does not read is no torn end: it stays where it
// is, and the record goes on in a new file.
func TestDamagedEnd(t *testing.T) {
	for _, c := range []struct {
		what   string
		spoil  func(lines []string) string
		kind   Kind
		first  uint64
		last   uint64
		verify []Kind
	}{
		{"a later commit behind it", func(l []string) string {
			return strings.Join(l[:3], "") + strings.Replace(l[3], "root", "toor", 1)[1:] + l[4]
		}, Unreadable, 4, 5, []Kind{Unreadable}},
		{"edited, and a later commit behind it", func(l []string) string {
			return strings.Join(l[:3], "") + strings.Replace(l[3], "root", "toor", 1) + l[4]
		}, Unreadable, 5, 5, []Kind{Edited}},
	} {
		t.Run(c.what, func(t *testing.T) {
			l := stale(t, func(l *lab) { l.record("c", "d", "e") })
			spoiled := c.spoil(split(l.read(november)))
			l.write(november, spoiled)
			l.start()
			r := l.log.Recovery()
			if len(r.Torn) > 0 || len(r.Findings) != 1 {
				t.Fatalf("recovery is %+v", r)
			}
			if f := r.Findings[0]; f.Kind != c.kind || f.First != c.first || f.Last != c.last || f.File != november {
				t.Errorf("found %s", f)
			}
			if got := l.read(november); got != spoiled {
				t.Errorf("the damaged file was changed: %q", got)
			}
			if !strings.Contains(l.lastRecovery(), string(c.kind)) {
				t.Errorf("the record says %q", l.lastRecovery())
			}
			if head := l.log.Head(); head.Seq != 6 {
				t.Errorf("head is %v, want entry 6", head)
			}
			l.wantKinds(findings(t, l.log), c.verify...)
			l.restart().record("f")
			l.wantKinds(findings(t, l.log), c.verify...)
		})
	}
}

func (l *lab) wantKinds(got []Finding, want ...Kind) {
	l.Helper()
	var kinds []Kind
	for _, f := range got {
		kinds = append(kinds, f.Kind)
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		l.Errorf("findings: want (-), got (+):\n%s%v", diff, got)
	}
}

// An end that was cut off is found at the start, and its hole stays in the
// chain for good.
func TestCutEnd(t *testing.T) {
	for what, cut := range map[string]func(*lab){
		"lines":       func(l *lab) { l.write(november, strings.Join(split(l.read(november))[:3], "")) },
		"half a line": func(l *lab) { text := l.read(november); l.write(november, text[:len(text)-10]) },
		"the file":    func(l *lab) { l.remove(november) },
	} {
		t.Run(what, func(t *testing.T) {
			l := newLab(t, Options{})
			l.record("a", "b", "c", "d", "e")
			l.log.Close()
			before := l.log.Head()
			cut(l)
			l.start()
			r := l.log.Recovery()
			if len(r.Findings) == 0 || r.Findings[len(r.Findings)-1].Kind != Cut || r.Findings[len(r.Findings)-1].Last != 5 {
				t.Fatalf("recovery is %+v", r)
			}
			l.record("f")
			if head := l.log.Head(); head.Seq != 7 {
				t.Errorf("head is %v, want entry 7 behind the start's own", head)
			}
			l.restart()
			if len(l.log.Recovery().Findings) > 0 {
				t.Errorf("the second start finds %v", l.log.Recovery().Findings)
			}
			got := findings(t, l.log, before)
			if len(got) == 0 || got[len(got)-1].Kind == "" {
				t.Fatal("Verify finds nothing")
			}
			kinds := fmt.Sprint(got)
			if !strings.Contains(kinds, "removed") && !strings.Contains(kinds, "unreadable") {
				t.Errorf("Verify finds %v", got)
			}
		})
	}
}

func TestHeadFile(t *testing.T) {
	for _, c := range []struct {
		what  string
		spoil func(*lab)
		want  []Kind
	}{
		{"as it should be", func(*lab) {}, nil},
		{"missing", func(l *lab) { l.remove(headFile) }, []Kind{HeadLost}},
		{"no JSON", func(l *lab) { l.write(headFile, "{") }, []Kind{HeadLost}},
		{"of another format", func(l *lab) { l.write(headFile, `{"format":2}`) }, []Kind{HeadLost}},
		{"of another record", func(l *lab) { l.write(headFile, strings.Replace(l.read(headFile), `"sha256":"`, `"sha256":"00`, 1)) }, []Kind{HeadLost}},
		{"another digest", func(l *lab) {
			text := l.read(headFile)
			l.write(headFile, text[:len(text)-10]+"0123456\"}\n")
		}, []Kind{Edited}},
	} {
		t.Run(c.what, func(t *testing.T) {
			l := newLab(t, Options{})
			l.record("a", "b", "c")
			l.log.Close()
			c.spoil(l)
			l.start()
			l.wantKinds(l.log.Recovery().Findings, c.want...)
			if got := l.lastRecovery() != ""; got != (len(c.want) > 0) {
				t.Errorf("the record says %q", l.lastRecovery())
			}
			l.record("d")
			l.restart()
			l.wantKinds(l.log.Recovery().Findings)
			l.wantWhole()
		})
	}
}

// The head file follows by itself, without another entry.
func TestHeadFollows(t *testing.T) {
	l := newLab(t, Options{HeadEvery: time.Millisecond})
	written := make(chan bool, 100)
	l.disk.Before(func(op durabletest.Op) durabletest.Fault {
		if op.Kind == durabletest.Rename && strings.HasSuffix(op.To, headFile) {
			written <- true
		}
		return durabletest.Fault{}
	})
	l.record("a")
	<-written
	l.record("b")
	<-written
	l.log.Close()
	if m, err := l.log.readMark(); err != nil || m.Head != l.log.Head() {
		t.Errorf("the head file has %+v, %v, want %v", m, err, l.log.Head())
	}
}

func TestParseHead(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a")
	want := l.log.Head()
	if got, err := ParseHead(want.String() + "\n"); err != nil || got != want {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "1", "1 00", "x " + want.SHA256.String(), want.SHA256.String()} {
		if got, err := ParseHead(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// A later file that claims the acknowledged ones are nobody's is not believed.
func TestForgedClosedMovesNothing(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a", "b", "c")
	l.log.Close()
	text := l.read(november)
	first := strings.Replace(split(text)[0], `"actor"`, `"closed":{"file":"`+november+`","length":0},"actor"`, 1)
	l.write("2099-01.jsonl", first)
	l.start()
	if got := l.read(november); got != text {
		t.Errorf("the file is now %q", got)
	}
	if f := l.log.Recovery().Findings; len(f) == 0 || f[0].Kind != Surplus {
		t.Errorf("found %v, want surplus first", f)
	}
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"2026-11.jsonl": "2026-11", "2026-11_002.jsonl": "2026-11", "2026-11_999.jsonl": "2026-11",
		"2026-13.jsonl": "", "2026-11": "", "2026-11.jsonl.tmp": "", "2026-11_001.jsonl": "", "2026-11_2.jsonl": "",
		"2026-11_0x2.jsonl": "", "notes.jsonl": "", "": "", "2026-11_002_.jsonl": "",
	} {
		if got, ok := monthOf(name); got != want || ok != (want != "") {
			t.Errorf("monthOf(%q) = %q, %t, want %q", name, got, ok, want)
		}
	}
	l := newLab(t, Options{})
	l.write("notes.jsonl", "not ours\n")
	l.write("2026-10_xyz.jsonl", "nor is this\n")
	l.record("a")
	l.restart().wantObjects("a")
}

// The page beside the files is there, and comes back.
func TestReadme(t *testing.T) {
	l := newLab(t, Options{})
	if l.read(readmeFile) != readme {
		t.Error("the page is not there")
	}
	l.remove(readmeFile)
	l.write(readmeFile+".tmp", "half a page")
	l.restart()
	if l.read(readmeFile) != readme {
		t.Error("the page did not come back")
	}
	if _, err := l.disk.Stat(folder + "/" + readmeFile + ".tmp"); err == nil {
		t.Error("what a crash left is still there")
	}
}

// A file was given up after a failed sync, its torn bytes came back, and the
// next file's first line is torn too: no attack, and the head is not lost.
func TestTornInBothFiles(t *testing.T) {
	l := stale(t, func(l *lab) { l.record("c") })
	text := l.read(november)
	l.write(november, text+"half of d")
	l.write("2026-11_002.jsonl", "half of d again")
	l.start()
	if r := l.log.Recovery(); len(r.Torn) != 2 || len(r.Findings) > 0 {
		t.Errorf("recovery is %+v", r)
	}
	l.record("e")
	l.wantObjects("a b c  e")
	l.wantWhole()
}

// A number that a crash left free is not used again: names are in order.
func TestNumbersRise(t *testing.T) {
	l := newLab(t, Options{})
	for _, name := range []string{november, "2026-11_002.jsonl"} {
		l.disk.Before(failOnce(durabletest.Sync, name))
		if err := l.log.Record(t.Context(), act("lost")); err == nil {
			t.Fatal("the sync did not fail")
		}
	}
	l.disk.Before(nil)
	l.record("a")
	l.crash(durabletest.Nothing)
	l.disk.Before(failOnce(durabletest.Sync, "2026-11_003.jsonl"))
	if err := l.log.Record(t.Context(), act("lost")); err == nil {
		t.Fatal("the sync did not fail")
	}
	l.record("b")
	if got := l.read("2026-11_004.jsonl"); !strings.Contains(got, `"object":"b"`) {
		t.Errorf("the fourth file has %q", got)
	}
	l.wantWhole()
	l.crash(durabletest.Everything).wantWhole()
}

// A start whose disk fails at any operation can be made again.
func TestEachFaultOfAStart(t *testing.T) {
	for _, fault := range []durabletest.Fault{{Cut: true}, {Err: syscall.EIO}, {Err: syscall.ENOSPC, Keep: 3}, {Err: syscall.EIO, Done: true}} {
		for n := 1; ; n++ {
			l := stale(t, func(l *lab) { l.group("c", "d", "e") })
			torn := l.read(november)
			l.write(november, torn[:len(torn)-20])
			before := l.disk.Ops()
			l.disk.FailAt(before+n, fault)
			l.o.FS = l.disk
			log, err := Open(l.o)
			if err == nil {
				log.Close()
			}
			reached := l.disk.Ops() >= before+n
			l.disk.FailAt(before+n, durabletest.Fault{})
			l.disk = l.disk.Crash(durabletest.Nothing)
			l.start()
			var kept []string
			for _, o := range l.objects() {
				if o != "" {
					kept = append(kept, o)
				}
			}
			if got := strings.Join(kept, " "); got != "a b c d" {
				t.Fatalf("%+v at %d: entries are %q", fault, n, got)
			}
			l.wantWhole()
			l.log.Close()
			if !reached {
				break
			}
		}
	}
}
