package seal

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// shelf is a disk in memory with one archive file.
func shelf(t testing.TB, name string, content []byte) *durabletest.Disk {
	t.Helper()
	disk := durabletest.New(durabletest.Options{})
	f, err := disk.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.Write(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// TestEveryFlippedBitIsFound: in a small file each byte, in turn with another
// bit; and messages that the flip hits are named, others are saved.
func TestEveryFlippedBitIsFound(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 1000), text(2, 70000), noise(3, 300), text(1, 1000), noise(4, MemberSize+5000), text(5, 3))
	_, files := l.made(Maker{}, 0)
	whole := read(t, files[0].Path)
	step := max(1, len(whole)/150)
	if testing.Short() {
		step *= 8
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for at := 0; at < len(whole); {
		l.flipped(whole, at, byte(1)<<rng.IntN(8))
		if at < 3*memberHead || at > len(whole)-3*memberHead {
			at++
		} else {
			at += 1 + rng.IntN(2*step)
		}
	}
}

// flipped looks at a file of which one bit is another.
func (l *lab) flipped(whole []byte, at int, bit byte) {
	l.Helper()
	b := bytes.Clone(whole)
	b[at] ^= bit
	disk := shelf(l, "f.tgz", b)
	var findings []Finding
	saved := map[mail.ID]bool{}
	r, err := Salvage(ctx, disk, "f.tgz", Secret{}, func(f Finding) { findings = append(findings, f) }, func(m Message) error {
		b, err := io.ReadAll(m.Content)
		if err != nil || !bytes.Equal(b, l.sent[m.Arrival.ID]) || !bytes.Equal(m.Record, l.records[m.Arrival.ID]) {
			l.Errorf("byte %d ^ %#x: %s was saved with other bytes (%v)", at, bit, m.Arrival.ID, err)
		}
		saved[m.Arrival.ID] = true
		return nil
	})
	if err != nil || len(findings) == 0 || r.Findings != len(findings) {
		l.Errorf("byte %d ^ %#x: %v; findings %v", at, bit, err, findings)
	}
	for _, id := range l.ids {
		named := slices.ContainsFunc(findings, func(f Finding) bool { return slices.Contains(f.IDs, id) }) && slices.Contains(r.Lost, id)
		if !saved[id] && !named {
			l.Errorf("byte %d ^ %#x: %s was neither saved nor named: %v", at, bit, id, findings)
		}
	}
}

func TestFlippedBitsInAnEncryptedFile(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 1000), noise(2, 100000), text(3, 500))
	lock := &Lock{Password: password}
	_, files := l.made(Maker{Lock: lock}, 0)
	whole := read(t, files[0].Path)
	// The session key saves the time that the password takes.
	h, err := readKeys(bytes.NewReader(whole), Secret{Passwords: [][]byte{password}})
	if err != nil {
		t.Fatal(err)
	}
	secret := Secret{session: h.sessions[0]}
	rng := rand.New(rand.NewPCG(1, 1))
	for at := 0; at < len(whole); {
		b := bytes.Clone(whole)
		b[at] ^= 1 << rng.IntN(8)
		a := &Archive{fs: shelf(t, "f.enc", b), path: "f.enc", encrypted: true, secret: secret, workers: 1}
		r, _, err := a.scan(ctx, nil, nil)
		if err == nil && r.Findings == 0 {
			t.Errorf("byte %d flipped and nothing found", at)
		}
		if at < 200 || at > len(whole)-100 {
			at++
		} else {
			at += 1 + rng.IntN(2000)
		}
	}
}

func TestCutFile(t *testing.T) {
	l := newLab(t).fill()
	_, files := l.made(Maker{}, 0)
	whole := read(t, files[0].Path)
	rng := rand.New(rand.NewPCG(1, 1))
	most := 0
	for cut := range 15 {
		size := rng.IntN(len(whole))
		if cut < 3 {
			size = len(whole) - 1 - cut
		}
		n := 0
		var findings []Finding
		_, err := Salvage(ctx, shelf(t, "f.tgz", whole[:size]), "f.tgz", Secret{}, func(f Finding) { findings = append(findings, f) }, func(m Message) error {
			b, err := io.ReadAll(m.Content)
			if err != nil || !bytes.Equal(b, l.sent[m.Arrival.ID]) {
				t.Errorf("cut at %d: %s: %v", size, m.Arrival.ID, err)
			}
			if m.Arrival.ID != l.ids[n] {
				t.Errorf("cut at %d: %s where %s should come", size, m.Arrival.ID, l.ids[n])
			}
			n++
			return nil
		})
		if err != nil || !slices.ContainsFunc(findings, func(f Finding) bool { return strings.Contains(f.What, "it is cut") }) {
			t.Errorf("cut at %d: %v, %v", size, err, findings)
		}
		most = max(most, n)
	}
	if most != len(l.ids) {
		t.Errorf("at most %d of %d messages were saved", most, len(l.ids))
	}
}

// TestDamagedEncryptedFile: what stands before a cut, and before and behind a
// flipped bit, is saved.
func TestDamagedEncryptedFile(t *testing.T) {
	l := newLab(t)
	for i := range 12 {
		l.put(noise(uint64(i), 500<<10))
	}
	_, files := l.made(Maker{Lock: &Lock{Password: password}}, 0)
	whole := read(t, files[0].Path)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for what, c := range map[string]struct {
		b    []byte
		most int // messages that may be lost
	}{"cut": {whole[:len(whole)*3/4], 5}, "flipped": {flipped, 2}} {
		saved, findings := 0, 0
		secret := Secret{Passwords: [][]byte{password}}
		r, err := Salvage(ctx, shelf(t, "f", c.b), "f", secret, func(Finding) { findings++ }, func(m Message) error {
			b, err := io.ReadAll(m.Content)
			if err != nil || !bytes.Equal(b, l.sent[m.Arrival.ID]) {
				t.Errorf("%s: %s: %v", what, m.Arrival.ID, err)
			}
			saved++
			return nil
		})
		if err != nil || findings == 0 || saved < len(l.ids)-c.most || saved == len(l.ids) {
			t.Errorf("%s: %v, %d findings, %d saved, lost %v", what, err, findings, saved, r.Lost)
		}
	}
}

// TestDamagedStretch: what stands before and behind it is saved.
func TestDamagedStretch(t *testing.T) {
	l := newLab(t)
	for i := range 30 {
		l.put(noise(uint64(i), 300<<10))
	}
	_, files := l.made(Maker{}, 0)
	whole := read(t, files[0].Path)
	for what, damage := range map[string]func(b []byte) []byte{
		"zeros":   func(b []byte) []byte { clear(b[3<<20 : 5<<20]); return b },
		"removed": func(b []byte) []byte { return append(b[:3<<20], b[5<<20:]...) },
		"doubled": func(b []byte) []byte { return append(bytes.Clone(b[:5<<20]), b[3<<20:]...) },
		"start":   func(b []byte) []byte { clear(b[:1<<20]); return b },
		"more":    func(b []byte) []byte { return append(b, "more"...) },
	} {
		saved, findings := 0, 0
		r, err := Salvage(ctx, shelf(t, "f", damage(bytes.Clone(whole))), "f", Secret{}, func(Finding) { findings++ }, func(m Message) error {
			b, err := io.ReadAll(m.Content)
			if err != nil || !bytes.Equal(b, l.sent[m.Arrival.ID]) {
				t.Errorf("%s: %s: %v", what, m.Arrival.ID, err)
			}
			saved++
			return nil
		})
		if err != nil || findings == 0 || saved < 20 || saved+len(r.Lost) != len(l.ids) {
			t.Errorf("%s: %v, %d findings, %d saved, %d lost", what, err, findings, saved, len(r.Lost))
		}
	}
}

// TestIndexThatLies: the index is believed in nothing.
func TestIndexThatLies(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 10), text(2, 2000), text(1, 10), noise(3, MemberSize), text(4, 600))
	_, files := l.made(Maker{}, 0)
	path := files[0].Path
	index := read(t, path+indexSuffix)
	for at := 0; at < len(index); at += 7 {
		b := bytes.Clone(index)
		b[at] ^= 0x10
		if err := os.WriteFile(path+indexSuffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := Open(ctx, real, path, Secret{})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range l.ids {
			_, r, err := a.Message(ctx, id)
			if err == nil {
				var b []byte
				if b, err = io.ReadAll(r); err == nil && !bytes.Equal(b, l.sent[id]) {
					t.Errorf("index byte %d: %s has other bytes", at, id)
				}
				r.Close()
			}
			if err != nil && !errors.Is(err, mail.ErrDamaged) {
				t.Errorf("index byte %d: %s: %v", at, id, err)
			}
		}
		a.Close()
	}
}

func TestAnotherFilesIndex(t *testing.T) {
	l := newLab(t).fill()
	folder, files := l.made(Maker{MaxSize: 4 << 20}, 0)
	if err := os.Rename(files[1].Path+indexSuffix, files[0].Path+indexSuffix); err != nil {
		t.Fatal(err)
	}
	a, err := Open(ctx, real, filepath.Join(folder, "Oct-2026.tgz"), Secret{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	l.holds(a, l.ids[:files[0].Chain.Messages])
}
