package web

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// codeAt is the code of a second factor at a time (RFC 6238 4, RFC 4226 5.3).
func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.ReplaceAll(secret, " ", "")))
	if err != nil {
		t.Fatalf("secret %q: %v", secret, err)
	}
	m := hmac.New(sha1.New, key)
	if err := binary.Write(m, binary.BigEndian, uint64(at.Unix()/30)); err != nil {
		t.Fatal(err)
	}
	sum := m.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:])&0x7fffffff)%1_000_000)
}

// With a second factor the code is asked for on a page of its own, without the
// password going back and forth.
func TestSecondFactor(t *testing.T) {
	l := newLab(t)
	factor, err := l.accounts.NewFactor("ann")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.accounts.ConfirmFactor("ann", codeAt(t, factor.Secret, l.now)); err != nil {
		t.Fatal(err)
	}
	l.now = l.now.Add(time.Minute) // a code is good once
	w := l.post("/sign-in", "", url.Values{"name": {"ann"}, "password": {password}, "next": {"/help"}})
	body := w.Body.String()
	if w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) > 0 {
		t.Fatalf("password alone: status %d, cookies %v", w.Code, w.Result().Cookies())
	}
	want(t, "page", body, `name="pending"`, `name="code"`, `name="next" value="/help"`, "!"+password, `!name="password"`)
	_, after, _ := strings.Cut(body, `name="pending" value="`)
	pending, _, _ := strings.Cut(after, `"`)

	w = l.post("/sign-in", "", url.Values{"pending": {pending}, "name": {"ann"}, "code": {"000000"}})
	if w.Code != http.StatusUnauthorized {
		t.Errorf("a wrong code: status %d", w.Code)
	}
	want(t, "page", w.Body.String(), "is wrong")
	w = l.post("/sign-in", "", url.Values{"pending": {pending}, "name": {"ann"}, "code": {codeAt(t, factor.Secret, l.now)}, "next": {"/help"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/help" {
		t.Fatalf("the code: status %d, leads to %q", w.Code, w.Header().Get("Location"))
	}
	if got := l.get("/search", w.Result().Cookies()[0].Value); got.Code != http.StatusOK {
		t.Errorf("signed in: status %d", got.Code)
	}
}
