package redeliver

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// TestQueueSurvives: what was added is there after every crash, and what was
// sent stays sent.
func TestQueueSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s := newSender(t, d, newPeer(t), shelfWith(id(1), plain), &ledger{})
		first := s.add(two, id(1))[0]
		s.start()
		synctest.Wait()
		s.stop()
		second := s.add(two[:1], id(1))[0]
		want := s.Queue.List()
		if want[0].ID != second || want[1].ID != first {
			t.Fatalf("%+v", want)
		}
		if !durabletest.Every(10_000, func(choose func(int) int) {
			q, err := OpenQueue(d.Crash(choose), "/queue", Settings{Audit: &ledger{}})
			if err != nil || len(q.Damaged()) > 0 {
				t.Fatal(err, q.Damaged())
			}
			if diff := cmp.Diff(want, q.List()); diff != "" {
				t.Fatal(diff)
			}
		}) {
			t.Error("too many outcomes to try them all")
		}
	})
}

// life runs a sender on a disk until all is sent or the disk is dead.
func life(t *testing.T, d *durabletest.Disk, p *peer, a *ledger, want int) (added int) {
	q, err := OpenQueue(d, "/queue", Settings{Audit: a})
	if err != nil {
		return 0
	}
	s := newRunner(t, q, p, shelfWith(id(1), plain), a)
	s.start()
	defer func() { s.stop() }()
	if len(q.List()) == 0 && want > 0 {
		entries, _ := q.Add(t.Context(), planFor(t, s.Source, two, id(1)))
		added = len(entries)
	}
	pass(10 * time.Minute)
	return added
}

// TestKilledAnywhere cuts the power at each operation on the disk. What Add
// said yes to reaches everybody, twice at most, and never without a record.
func TestKilledAnywhere(t *testing.T) {
	for n, end := 1, false; !end; n++ {
		for _, choice := range []func(int) int{durabletest.Nothing, durabletest.Everything, rand.New(rand.NewPCG(uint64(n), 1)).IntN} {
			synctest.Test(t, func(t *testing.T) {
				d, p, a := newDisk(), newPeer(t), &ledger{}
				p.rcpt = func(n int, to mail.Address) error { // so that there are several outcomes to record
					if to == two[1] && n == 1 {
						return smtp.Reply{Code: 450, Text: "Busy"}
					}
					return nil
				}
				d.FailAt(n, durabletest.Fault{Cut: true})
				added := life(t, d, p, a, 1)
				if end = d.Ops() < n; end {
					t.Logf("%d operations", n-1)
				}
				after := d.Crash(choice)
				life(t, after, p, a, 0)
				p.look(func() {
					for _, to := range two {
						if got := p.got[to]; added > 0 && got == 0 || got > 2 || got > 0 && len(a.orders) == 0 {
							t.Errorf("cut at %d: added %d, %s got %d, %d records", n, added, to, got, len(a.orders))
						}
					}
				})
			})
		}
	}
}

// TestFullDisk: nothing is sent whose outcome cannot be written down; it goes
// on by itself.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, p := newDisk(), newPeer(t)
		p.rcpt = func(int, mail.Address) error { d.SetCapacity(100); return nil } // full while it is being sent
		s := newSender(t, d, p, shelfWith(id(1), plain), &ledger{})
		s.start()
		defer func() { s.stop() }()
		d.SetCapacity(100)
		if added, err := s.Queue.Add(t.Context(), planFor(t, s.Source, two, id(1))); !errors.Is(err, syscall.ENOSPC) || len(added) > 0 {
			t.Fatalf("%v, %v", added, err)
		}
		if len(s.Queue.List()) > 0 || len(d.Files()) != 1 {
			t.Errorf("left behind: %v", d.Files())
		}
		d.SetCapacity(1 << 20)
		entry := s.add(two, id(1))[0]
		synctest.Wait()
		if e := s.show(entry); e.Count(Sent) != 2 || p.got[two[0]] != 1 {
			t.Errorf("%+v", e)
		}
		if _, err := s.Queue.Add(t.Context(), planFor(t, s.Source, two, id(1))); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%v", err)
		}
		pass(time.Hour)
		if p.got[two[0]] != 1 {
			t.Errorf("sent again: %v", p.got)
		}
		d.SetCapacity(1 << 20)
		pass(2 * time.Minute)
		q, err := OpenQueue(d, "/queue", Settings{Audit: &ledger{}})
		if err != nil {
			t.Fatal(err)
		}
		if e, err := q.Show(entry); err != nil || e.Count(Sent) != 2 {
			t.Errorf("on disk: %+v, %v", e, err)
		}
	})
}

// TestBeginNeedsTheDisk: an attempt that cannot be written down does not begin.
func TestBeginNeedsTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, p := newDisk(), newPeer(t)
		s := newSender(t, d, p, shelfWith(id(1), plain), &ledger{})
		entry := s.add(two, id(1))[0]
		d.SetCapacity(0)
		s.start()
		pass(time.Hour)
		if e := s.show(entry); len(p.times) > 0 || e.Count(Waiting) != 2 {
			t.Errorf("%d connections, %+v", len(p.times), e)
		}
		d.SetCapacity(1 << 20)
		pass(2 * time.Minute)
		if got := s.states(entry); got[0] != Sent {
			t.Errorf("%v", got)
		}
		s.stop()
	})
}

// TestNoRecordNoMail: without an audit record nothing happens.
func TestNoRecordNoMail(t *testing.T) {
	a := &ledger{}
	s := newSender(t, newDisk(), newPeer(t), shelfWith(id(1), plain), a)
	entry := s.add(two, id(1))[0]
	a.refuse = errLedger
	if added, err := s.Queue.Add(t.Context(), planFor(t, s.Source, two, id(1))); !errors.Is(err, errLedger) || len(added) > 0 {
		t.Errorf("Add: %v, %v", added, err)
	}
	if err := s.Queue.Cancel(t.Context(), root, entry); !errors.Is(err, errLedger) {
		t.Errorf("Cancel: %v", err)
	}
	if err := s.Queue.Retry(t.Context(), root, entry); !errors.Is(err, errLedger) {
		t.Errorf("Retry: %v", err)
	}
	if all := s.Queue.List(); len(all) != 1 || all[0].Count(Waiting) != 2 {
		t.Errorf("%+v", all)
	}
}

// TestEntriesGoAway after their time, and the queue has an end.
func TestEntriesGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		s := newSender(t, d, newPeer(t), shelfWith(id(1), plain), &ledger{})
		s.Queue.settings.Most = 1
		s.start()
		entry := s.add(two, id(1))[0]
		if _, err := s.Queue.Add(t.Context(), planFor(t, s.Source, two, id(1))); !errors.Is(err, mail.ErrFull) {
			t.Errorf("%v, want %v", err, mail.ErrFull)
		}
		pass(29 * 24 * time.Hour)
		if got := s.states(entry); got[0] != Sent {
			t.Errorf("%v", got)
		}
		pass(2 * 24 * time.Hour)
		if _, err := s.Queue.Show(entry); !errors.Is(err, mail.ErrNotFound) || len(d.Files()) != 1 {
			t.Errorf("%v, %v", err, d.Files())
		}
		s.stop()
	})
}

// TestDamagedEntries cost nobody else anything, and stay.
func TestDamagedEntries(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "queue")
	q, err := OpenQueue(durable.OS{}, dir, Settings{Audit: &ledger{}})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := q.Add(t.Context(), planFor(t, shelfWith(id(1), plain), two, id(1)))
	if err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, entries[0].String()+suffix)
	for name, content := range map[string]string{
		"empty.json": "", "half.json": `{"format": 1, "id":`, "other.json": `{"format": 1}`, "new.json": `{"format": 2}`, "README": "not ours",
		EntryID{7}.String() + suffix: `{"format": 1, "id": "` + entries[0].String() + `"}`,
		EntryID{8}.String() + suffix: `{"format": 1, "id": "` + EntryID{8}.String() + `", "recipients": []}`,
	} {
		write(t, filepath.Join(dir, name), content)
	}
	q, err = OpenQueue(durable.OS{}, dir, Settings{Audit: &ledger{}})
	if err != nil {
		t.Fatal(err)
	}
	if len(q.List()) != 1 || len(q.Damaged()) != 6 {
		t.Errorf("%d entries of %s, damaged %v", len(q.List()), good, q.Damaged())
	}
	for _, err := range q.Damaged() {
		if !errors.Is(err, mail.ErrDamaged) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%v", err)
		}
	}
}

// TestCancelledBeforeTheCrash: the attempt that went on then never ended.
func TestCancelledBeforeTheCrash(t *testing.T) {
	d := newDisk()
	s := newSender(t, d, newPeer(t), shelfWith(id(1), plain), &ledger{})
	entry := s.add(two, id(1))[0]
	if e, _ := s.Queue.takeDue(); e == nil || e.ID != entry {
		t.Fatalf("%+v is due", e)
	}
	if err := s.Queue.Cancel(t.Context(), root, entry); err != nil {
		t.Fatal(err)
	}
	q, err := OpenQueue(d.Crash(durabletest.Nothing), "/queue", Settings{Audit: &ledger{}})
	if err != nil {
		t.Fatal(err)
	}
	if e, err := q.Show(entry); err != nil || e.Count(Cancelled) != 2 {
		t.Errorf("%+v, %v", e, err)
	}
	if err := q.mend(); err != nil {
		t.Error(err)
	}
}

// FuzzReadEntry: whatever stands in a file, reading it ends well or with
// ErrDamaged.
func FuzzReadEntry(f *testing.F) {
	f.Add([]byte(`{"format": 1, "id": "00000000000000000000000000", "message": "00000000000000000000000001", "recipients": [{"address": "a@b", "state": "waiting"}]}`))
	f.Add([]byte(`{"format": 1, "id": "x"}`))
	f.Add([]byte("[]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d := newDisk()
		s := store{d, "/"}
		w, err := d.OpenFile("/"+EntryID{}.String()+suffix, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(text)
		w.Close()
		entries, damaged, err := s.load()
		if err != nil || len(entries)+len(damaged) != 1 {
			t.Fatalf("%q: %v, %v, %v", text, entries, damaged, err)
		}
		for _, e := range entries {
			e.Finished()
			e.Named()
		}
	})
}
