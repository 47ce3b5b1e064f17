package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
)

// thisMonth asks for all that there is until now.
func thisMonth() control.ArchiveRequest {
	return control.ArchiveRequest{Month: time.Now().Format("2006-01")}
}

// sealed makes an archive file of all that there is.
func sealed(t *testing.T, a *App) control.ArchiveFile {
	t.Helper()
	done, err := a.Seal(t.Context(), everything, thisMonth(), control.Report{})
	if err != nil || len(done.Files) != 1 {
		t.Fatalf("sealed %+v, %v", done, err)
	}
	return done.Files[0]
}

// raw returns the bytes of a message.
func raw(a *App, id mail.ID) ([]byte, error) {
	content, err := a.Raw(context.Background(), everything, id.String())
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(content)
}

// readable fails unless each message has its bytes.
func readable(t *testing.T, a *App, arrivals []mail.Arrival) {
	t.Helper()
	for _, m := range arrivals {
		if b, err := raw(a, m.ID); err != nil || mail.Sum(b) != m.Digest {
			t.Errorf("%s: %d bytes, %v", m.ID, len(b), err)
		}
	}
}

// some takes messages in, two of them with equal content.
func some(t *testing.T, a *App, from, n int) (arrivals []mail.Arrival) {
	t.Helper()
	for i := range n {
		e := mail.Envelope{Source: "smtp", From: "ann@local.example", To: []mail.Recipient{{Address: mail.Address(fmt.Sprintf("r%d@local.example", from+i))}}}
		arrivals = append(arrivals, accept(t, a, e, fmt.Sprintf("no%d", from+i/2*2)+strings.Repeat(" x", 500)))
	}
	return arrivals
}

func TestSealedIsReadThrough(t *testing.T) {
	c := configured(t)
	c.LocalDomains.UnmarshalText([]byte("local.example"))
	a := opened(t, c)
	arrivals := some(t, a, 0, 10)
	before := subjects(t, a, "")
	f := sealed(t, a)
	if f.Messages != 10 || f.State != control.ArchiveHere || a.vault.Stats().BytesDisk > 50<<10 {
		t.Errorf("file %+v, vault has %d bytes left", f, a.vault.Stats().BytesDisk)
	}
	readable(t, a, arrivals)
	// What comes later, the same content too, has bytes of its own.
	later := some(t, a, 0, 4)
	readable(t, a, append(arrivals, later...))
	if done, err := a.Seal(t.Context(), everything, thisMonth(), control.Report{}); err != nil || len(done.Files) != 1 || !strings.HasSuffix(done.Files[0].Name, "-1.tgz") {
		t.Errorf("second file: %+v, %v", done, err)
	}
	readable(t, a, append(arrivals, later...))
	if done, err := a.Seal(t.Context(), everything, thisMonth(), control.Report{}); err != nil || len(done.Files) != 0 {
		t.Errorf("nothing is left to seal: %+v, %v", done, err)
	}
	if diff := cmp.Diff(before, subjects(t, a, "")); diff != "" {
		t.Errorf("search after sealing (-before +after):\n%s", diff)
	}
	r, err := a.Redeliver(t.Context(), everything, control.RedeliverRequest{Refs: []string{arrivals[3].ID.String()}, Envelope: true, DryRun: true})
	if err != nil || r.Recipients == 0 {
		t.Errorf("redelivery of a sealed message: %+v, %v", r, err)
	}
	var findings []control.Finding
	v, err := a.Verify(t.Context(), func(control.Progress) {}, func(f control.Finding) { findings = append(findings, f) })
	if err != nil || v.Findings != 0 {
		t.Errorf("verify: %+v, %v, %v", v, findings, err)
	}
}

func TestMovedOffAndBack(t *testing.T) {
	a := opened(t, configured(t))
	arrivals := some(t, a, 0, 6)
	wanted := subjects(t, a, "")
	f := sealed(t, a)
	path := filepath.Join(a.config.Archives, f.Name)
	copied := filepath.Join(t.TempDir(), "away.tgz")
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(copied, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	act := func(action control.ArchiveAction, digest mail.Digest) error {
		_, err := a.ActOnArchives(t.Context(), everything, control.ArchiveActionRequest{Action: action, Names: []string{f.Name}, Copy: digest}, control.Report{})
		return err
	}
	if err := act(control.ArchiveForget, mail.Sum([]byte("other"))); !errors.Is(err, mail.ErrNotAllowed) {
		t.Errorf("forget with another copy: %v", err)
	}
	readable(t, a, arrivals)
	if err := act(control.ArchiveForget, f.SHA256); err != nil {
		t.Fatal(err)
	}
	list, err := a.Archives(t.Context(), everything)
	if err != nil || len(list) != 1 || list[0].State != control.ArchiveMoved {
		t.Errorf("archives: %+v, %v", list, err)
	}
	if _, err := raw(a, arrivals[2].ID); !errors.Is(err, mail.ErrElsewhere) || !strings.Contains(err.Error(), f.Name) || !strings.Contains(err.Error(), a.config.Archives) {
		t.Errorf("raw of what is elsewhere: %v; want the file and where to put it", err)
	}
	if shown, err := a.Show(t.Context(), everything, arrivals[2].ID.String()); err != nil || shown.Subject == "" || len(shown.Problems) == 0 || !strings.Contains(shown.Problems[0], f.Name) {
		t.Errorf("shown while it is away: %+v, %v", shown, err)
	}
	// Made anew, the catalog still has what the manifest says.
	if err := a.Reindex(t.Context(), func(control.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, subjects(t, a, "")); diff != "" {
		t.Errorf("subjects while it is away (-want +got):\n%s", diff)
	}
	if got := subjects(t, a, "subject:no2 delivered:r3@local.example"); len(got) != 1 {
		t.Errorf("search by header and envelope while it is away: %q", got)
	}
	r, err := a.Restore(t.Context(), everything, control.RestoreRequest{Path: copied}, control.Report{})
	if err != nil || r.File != f.Name {
		t.Errorf("restore: %+v, %v", r, err)
	}
	readable(t, a, arrivals)
}

// A file restores on an empty server with the same IDs, digests, recipients and
// results, and can be sealed again there.
func TestRestoreElsewhere(t *testing.T) {
	a := opened(t, configured(t))
	arrivals := some(t, a, 0, 8)
	queries := []string{"", "no4", "delivered:r5@local.example", "from:ann"}
	subjects(t, a, "") // indexes them
	want := answers(t, a, queries)
	f := sealed(t, a)

	b := opened(t, configured(t))
	r, err := b.Restore(t.Context(), everything, control.RestoreRequest{Path: filepath.Join(a.config.Archives, f.Name)}, control.Report{})
	if err != nil || r.New != 8 || r.Findings != 0 {
		t.Fatalf("restore: %+v, %v", r, err)
	}
	if diff := cmp.Diff(want, answers(t, b, queries)); diff != "" {
		t.Errorf("answers (-first server +second):\n%s", diff)
	}
	readable(t, b, arrivals)
	again, err := b.Restore(t.Context(), everything, control.RestoreRequest{Path: filepath.Join(a.config.Archives, f.Name)}, control.Report{})
	if err != nil || again.Here != 8 || again.New != 0 {
		t.Errorf("restored twice: %+v, %v", again, err)
	}
	sealed(t, b)
	readable(t, b, arrivals)
}

// Of a file that is cut off, what can be read comes back, and the rest is named.
func TestRestoreDamaged(t *testing.T) {
	a := opened(t, configured(t))
	arrivals := some(t, a, 0, 40)
	f := sealed(t, a)
	whole, err := os.ReadFile(filepath.Join(a.config.Archives, f.Name))
	if err != nil {
		t.Fatal(err)
	}
	// One member of the file has all of it: damage in the middle of its bytes
	// would cost everything, so the file is sealed in small ones by size.
	whole[len(whole)/2] ^= 1
	path := filepath.Join(t.TempDir(), "damaged.tgz")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	b := opened(t, configured(t))
	var findings int
	r, err := b.Restore(t.Context(), everything, control.RestoreRequest{Path: path}, control.Report{Finding: func(control.Finding) { findings++ }})
	if err == nil && r.New == 0 || findings == 0 {
		t.Errorf("restore of a damaged file: %+v, %d findings, %v", r, findings, err)
	}
	for _, m := range arrivals {
		if content, err := raw(b, m.ID); err == nil && mail.Sum(content) != m.Digest {
			t.Errorf("%s came back with other bytes", m.ID)
		}
	}
}

func TestEncryptedFiles(t *testing.T) {
	c := configured(t)
	c.Encrypt = true
	a := opened(t, c)
	arrivals := some(t, a, 0, 4)
	if _, err := a.Seal(t.Context(), everything, thisMonth(), control.Report{}); !errors.Is(err, mail.ErrBadInput) {
		t.Errorf("without a password: %v", err)
	}
	set := func(text string) {
		t.Helper()
		if err := os.WriteFile(c.EncryptPasswordFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a.reader.forget()
	}
	set("weak\n")
	if _, err := a.Seal(t.Context(), everything, thisMonth(), control.Report{}); !errors.Is(err, mail.ErrBadInput) || strings.Contains(err.Error(), "weak") {
		t.Errorf("with a weak password: %v", err)
	}
	set("FirstPass1\n")
	first := sealed(t, a)
	if !strings.HasSuffix(first.Name, ".enc") || !strings.Contains(first.Key, "password") {
		t.Errorf("file %+v", first)
	}
	readable(t, a, arrivals)
	// A new password counts for later files; the former one, kept below it,
	// opens the earlier ones.
	set("SecondPass2\nFirstPass1\n")
	later := some(t, a, 10, 4)
	sealed(t, a)
	readable(t, a, append(arrivals, later...))
	set("SecondPass2\n")
	if _, err := raw(a, arrivals[0].ID); !errors.Is(err, mail.ErrElsewhere) || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("without the former password: %v", err)
	}
	readable(t, a, later)

	// Another server opens it when it is told the password.
	b := opened(t, configured(t))
	request := control.RestoreRequest{Path: filepath.Join(c.Archives, first.Name)}
	if _, err := b.Restore(t.Context(), everything, request, control.Report{}); !errors.Is(err, mail.ErrNotAllowed) || !errors.Is(err, seal.ErrNoSecret) {
		t.Errorf("restore without the password: %v", err)
	}
	request.Password = "FirstPass1"
	if r, err := b.Restore(t.Context(), everything, request, control.Report{}); err != nil || r.New != 4 {
		t.Errorf("restore: %+v, %v", r, err)
	}
}

// What this server cannot open again stays in the vault until it is released.
func TestPublicKeyOnly(t *testing.T) {
	c := configured(t)
	c.Encrypt = true
	key := publicKey(t)
	if err := c.EncryptRecipients.UnmarshalText([]byte(key)); err != nil {
		t.Fatal(err)
	}
	a := opened(t, c)
	arrivals := some(t, a, 0, 4)
	done, err := a.Seal(t.Context(), everything, thisMonth(), control.Report{})
	if err != nil || len(done.Files) != 1 || done.Kept == "" || done.Freed != 0 {
		t.Fatalf("sealed %+v, %v", done, err)
	}
	readable(t, a, arrivals)
	_, err = a.ActOnArchives(t.Context(), everything, control.ArchiveActionRequest{Action: control.ArchiveRelease, Names: []string{done.Files[0].Name}}, control.Report{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := raw(a, arrivals[0].ID); !errors.Is(err, mail.ErrElsewhere) {
		t.Errorf("after release: %v", err)
	}
}

// publicKey makes a key pair with gpg and returns the file of the public key.
func publicKey(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("gpg is not installed; make test as root installs it")
	}
	home := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		c := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet"}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("gpg %s: %v: %s", args, err, out)
		}
	}
	run("--passphrase", "", "--quick-gen-key", "auditor@local.example", "rsa2048", "encrypt,sign", "never")
	name := filepath.Join(home, "key.asc")
	run("--armor", "--output", name, "--export", "auditor@local.example")
	t.Cleanup(func() { exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() })
	return name
}

// A month is sealed once the next has begun, and months that were missed too.
func TestMonthly(t *testing.T) {
	a := opened(t, configured(t))
	now := time.Now()
	a.clock = func() time.Time { return now }
	some(t, a, 0, 4)
	if a.due(t.Context()) {
		t.Error("this month is due")
	}
	now = now.AddDate(0, 2, 0)
	if !a.due(t.Context()) {
		t.Fatal("a month that is over is not due")
	}
	ctx, stop := context.WithCancel(t.Context())
	finished := make(chan struct{})
	go func() { defer close(finished); a.monthly(ctx) }()
	waitFor(t, "the archive file", func() bool { return len(a.vault.Sealed()) == 1 })
	stop()
	<-finished
	if a.due(t.Context()) {
		t.Error("still due")
	}
}

func TestSpans(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := configured(t)
	if err := c.Timezone.UnmarshalText([]byte("Europe/Berlin")); err != nil {
		t.Fatal(err)
	}
	a := &App{config: c}
	at := func(text string) time.Time {
		t.Helper()
		at, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, test := range []struct {
		now, month, until string
		wantMonth         string
		wantBefore        string
	}{
		{now: "2026-11-01 00:30", wantMonth: "Oct-2026", wantBefore: "2026-11-01 00:00"},
		{now: "2026-03-01 00:00", wantMonth: "Feb-2026", wantBefore: "2026-03-01 00:00"},
		{now: "2024-03-01 00:00", wantMonth: "Feb-2024", wantBefore: "2024-03-01 00:00"},
		{now: "2026-01-31 12:00", wantMonth: "Dec-2025", wantBefore: "2026-01-01 00:00"},
		{now: "2026-11-15 12:00", month: "2026-11", wantMonth: "Nov-2026", wantBefore: "2026-12-01 00:00"},
		{now: "2026-11-15 12:00", month: "2026-03", wantMonth: "Mar-2026", wantBefore: "2026-04-01 00:00"},
		{now: "2026-11-15 12:00", until: "2026-11-10 00:00", wantMonth: "Nov-2026", wantBefore: "2026-11-10 00:00"},
		{now: "2026-11-15 12:00", until: "2026-11-01 00:00", wantMonth: "Oct-2026", wantBefore: "2026-11-01 00:00"},
	} {
		a.clock = func() time.Time { return at(test.now).UTC() }
		q := control.ArchiveRequest{Month: test.month}
		if test.until != "" {
			q.Until = at(test.until)
		}
		month, before, err := a.span(q)
		if err != nil || month.String() != test.wantMonth || !before.Equal(at(test.wantBefore)) {
			t.Errorf("%+v: %s before %s, %v", test, month, before, err)
		}
	}
	for _, q := range []control.ArchiveRequest{{Month: "2026-13"}, {Month: "2030-01"}, {Month: "2026-10", Until: time.Now()}} {
		if _, _, err := a.span(q); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestSealingIsForAdministrators(t *testing.T) {
	a := opened(t, configured(t))
	var nobody access.Scope
	for name, call := range map[string]func() error{
		"seal":     func() error { _, err := a.Seal(t.Context(), nobody, thisMonth(), control.Report{}); return err },
		"archives": func() error { _, err := a.Archives(t.Context(), nobody); return err },
		"act": func() error {
			_, err := a.ActOnArchives(t.Context(), nobody, control.ArchiveActionRequest{Action: control.ArchiveVerify}, control.Report{})
			return err
		},
		"restore": func() error {
			_, err := a.Restore(t.Context(), nobody, control.RestoreRequest{}, control.Report{})
			return err
		},
		"queue": func() error {
			_, err := a.Queue(t.Context(), nobody, control.QueueRequest{Action: control.QueueList})
			return err
		},
	} {
		if err := call(); !errors.Is(err, mail.ErrNotAllowed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Many messages out of an encrypted file come in one pass, each with its bytes.
func TestFetchFromEncrypted(t *testing.T) {
	c := configured(t)
	c.Encrypt = true
	a := opened(t, c)
	if err := os.WriteFile(c.EncryptPasswordFile, []byte("FirstPass1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	arrivals := some(t, a, 0, 20)
	sealed(t, a)
	live := some(t, a, 30, 2)
	subjects(t, a, "")
	got := map[mail.Digest]int{}
	err := a.Fetch(t.Context(), everything, control.FetchRequest{}, func(f control.Fetched) error {
		b, err := io.ReadAll(f.Content)
		if err != nil || mail.Sum(b) != f.Digest || len(f.History) == 0 {
			t.Errorf("%s: %d bytes, %d arrivals, %v", f.ID, len(b), len(f.History), err)
		}
		got[f.Digest]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(arrivals, live...) {
		if got[m.Digest] != 1 {
			t.Errorf("%s came %d times", m.ID, got[m.Digest])
		}
	}
	enough := errors.New("enough")
	n := 0
	err = a.Fetch(t.Context(), everything, control.FetchRequest{Query: "no2"}, func(control.Fetched) error { n++; return enough })
	if !errors.Is(err, enough) || n != 1 {
		t.Errorf("%d messages, %v; want one and the caller's error", n, err)
	}
}

// A message that came again after its first copy left is read from the later
// one while the file of the first is away.
func TestLaterCopyServes(t *testing.T) {
	a := opened(t, configured(t))
	first := accept(t, a, mail.Envelope{Source: "smtp"}, "twice"+strings.Repeat(" y", 400))
	f := sealed(t, a)
	if err := os.Remove(filepath.Join(a.config.Archives, f.Name)); err != nil {
		t.Fatal(err)
	}
	a.reader.forget()
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := raw(a, first.ID); !errors.Is(err, mail.ErrElsewhere) || strings.Count(err.Error(), f.Name) != 2 {
		t.Errorf("without the file: %v", err)
	}
	accept(t, a, mail.Envelope{Source: "smtp"}, "twice"+strings.Repeat(" y", 400))
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, err := raw(a, first.ID); err != nil || mail.Sum(b) != first.Digest {
		t.Errorf("with a later copy: %d bytes, %v", len(b), err)
	}
}
