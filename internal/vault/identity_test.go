package vault

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"mailarchive/internal/mail"
)

// TestNoBitOfTheIdentityMatters: without vault.json, or with another UUID or
// key in it, every commit would be a stranger and be moved away.
func TestNoBitOfTheIdentityMatters(t *testing.T) {
	for _, size := range []int64{0, 1} {
		l := newLab(t, Options{SegmentSize: size})
		for i := range uint64(3) {
			l.put(noise(i, 3000))
		}
		name := "/v/" + identityFile
		whole := l.read(name)
		for what, changed := range map[string]string{
			"UUID": otherDigit(string(whole), `"vault":"`),
			"key":  otherDigit(string(whole), `"key":"`),
			"JSON": "[" + string(whole[1:]),
			"half": string(whole[:30]),
			"all":  "",
		} {
			l.v.Close()
			l.write(name, []byte(changed))
			l.start()
			l.nothingTorn()
			l.whole()
			if got := l.read(name); string(got) != string(whole) {
				t.Errorf("%s: %s is %q, was %q", what, identityFile, got, whole)
			}
		}
		l.v.Close()
		l.disk.Remove(name)
		l.start()
		l.nothingTorn()
		l.whole()
	}
}

// otherDigit changes the hexadecimal digit that follows after.
func otherDigit(s, after string) string {
	i := strings.Index(s, after) + len(after)
	if s[i] == '0' {
		return s[:i] + "1" + s[i+1:]
	}
	return s[:i] + "0" + s[i+1:]
}

func TestIdentityFromWhatIsLeft(t *testing.T) {
	for _, c := range []struct {
		what string
		harm func(l *lab, s span)
		lost int
	}{
		{"first frame's header", func(l *lab, s span) { l.flip(1, 0) }, 1},
		{"first frame", func(l *lab, s span) { l.flip(1, 100) }, 1},
		{"first mark", func(l *lab, s span) { l.flip(1, s.markAt()+20) }, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			l := newLab(t, Options{})
			l.put(noise(1, 3000))
			l.put(noise(2, 3000))
			uuid := l.v.UUID()
			c.harm(l, l.spans(1)[0])
			l.v.Close()
			l.disk.Remove("/v/" + identityFile)
			l.start()
			l.nothingTorn()
			if lost := l.lost(); len(lost) > c.lost || l.v.UUID() != uuid {
				t.Errorf("lost %v; UUID %s, was %s", lost, l.v.UUID(), uuid)
			}
		})
	}
	t.Run("the only mark", func(t *testing.T) {
		l := newLab(t, Options{})
		l.put(noise(1, 3000))
		l.flip(1, l.spans(1)[0].markAt()+70)
		l.v.Close()
		l.disk.Remove("/v/" + identityFile)
		l.start()
		l.whole()
	})
}

func TestStrangersAreNotTouched(t *testing.T) {
	a, b := newLab(t, Options{}), newLab(t, Options{})
	a.put(noise(1, 3000))
	b.put(noise(2, 3000))
	foreign := b.read(b.name(1, segmentSuffix))
	a.v.Close()
	a.write(a.name(2, segmentSuffix), foreign)
	a.disk.Remove("/v/" + identityFile)
	_, err := Open(a.o)
	if !errors.Is(err, mail.ErrDamaged) || !strings.Contains(err.Error(), "lie in one folder") {
		t.Errorf("Open with segments of two vaults: %v", err)
	}
	if !bytes.Equal(a.read(a.name(2, segmentSuffix)), foreign) || len(a.files(".bin")) > 0 {
		t.Error("segments were changed")
	}
}

func TestFormatFromTheFuture(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 3000))
	l.v.Close()
	name := "/v/" + identityFile
	l.write(name, bytes.Replace(l.read(name), []byte(`"format":1`), []byte(`"format":3`), 1))
	if _, err := Open(l.o); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("Open of format 3: %v", err)
	}
}
